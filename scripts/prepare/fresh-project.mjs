// Projects in new folders outside of the repository, where a user's npm would install the library: what npm prints there, and
// what Node finds there, has nothing to do with the repository.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';

import { tryCommand } from './run-command.mjs';

/** What keeps npm from printing what is no warning. */
export const QUIET = ['--no-audit', '--no-fund', '--no-update-notifier'];

/** The packages that `nest new` adds for production. */
export function nestPackages(range) {
  return {
    '@nestjs/common': range,
    '@nestjs/core': range,
    '@nestjs/platform-express': range,
    'reflect-metadata': '^0.2.2',
    rxjs: '^7.8.1',
  };
}

/** Runs `use` with a new folder that has these files, by their names, and removes it afterwards. */
export async function inFreshFolder(name, files, use) {
  const folder = mkdtempSync(join(tmpdir(), `nestjs-telemetry-${name}-`));
  try {
    for (const [file, content] of Object.entries(files)) {
      const text = typeof content === 'string' ? content : JSON.stringify(content, null, 2);
      writeFileSync(join(folder, file), text);
    }
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const OF_THIS_RUN = /^(?:npm_|pnpm_|yarn_|bun_|NODE_OPTIONS$|NODE_ENV$)/i;

/**
 * The environment as a shell has it: without what the npm that runs this script adds, and with that Node first, as package
 * managers warn about one that is too old.
 */
export function environmentOf(node) {
  const inherited = Object.entries(process.env).filter(([key]) => !OF_THIS_RUN.test(key));
  return { ...Object.fromEntries(inherited), PATH: [dirname(node), process.env.PATH].join(delimiter) };
}

/** Runs npm in a project; what it prints, and what it ends with, is judged by the caller, unless it cannot install. */
export function runNpm(node, folder, args) {
  const result = tryCommand('npm', args, { cwd: folder, env: environmentOf(node) });
  if (args[0] === 'install' && result.status !== 0)
    throw new Error(`npm ${args.join(' ')} failed\n${result.output}`);
  return result;
}

/**
 * Starts a server on a free port, which it reads from `PORT`, and runs `use`, once it answers `path`, with its origin and a
 * function that returns what it has printed so far; stops it afterwards.
 */
export async function withServer(command, args, { cwd, env, path = '/' }, use) {
  const port = await freePort();
  const server = spawn(command, args, { cwd, env: { ...env, PORT: String(port) } });
  let printed = '';
  for (const stream of [server.stdout, server.stderr])
    stream.on('data', (chunk) => (printed += String(chunk)));
  const ended = once(server, 'close');
  const origin = `http://localhost:${port}`;
  try {
    await waitFor(
      async () => (await fetch(origin + path)).ok,
      () => `the project did not answer:\n${printed}`,
    );
    return await use(origin, () => printed);
  } finally {
    server.kill();
    await ended;
  }
}

/** Asks the page of a project, with the token that was printed at its start. */
export async function askPage(origin, printed, path) {
  const token = /#token=(\S+)/.exec(printed)?.[1];
  const answer = await fetch(`${origin}/telemetry/api/v1/${path}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  if (!answer.ok) throw new Error(`GET ${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

/** Returns the first result of `find` that is neither false nor undefined; it may fail until then. */
export async function waitFor(find, message) {
  const deadline = performance.now() + 120_000;
  let failure = '';
  while (performance.now() < deadline) {
    try {
      const found = await find();
      if (found !== undefined && found !== false) return found;
    } catch (error) {
      failure = String(error);
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`${message()}\n${failure}`);
}

async function freePort() {
  const server = createServer().listen(0);
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

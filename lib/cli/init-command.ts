import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { isRecord } from '../config/option-rules.js';
import { planEdits } from './init/plan-edits.js';
import { renderEdit } from './init/render-edit.js';
import { readOptions } from './read-options.js';
import { UsageError } from './usage-error.js';

const COMMAND = 'init';
const PACKAGES = ['nestjs-telemetry', '@opentelemetry/api'];

const HELP = `Usage: nestjs-telemetry init [options]

Adds telemetry to a project of the Nest CLI: imports TelemetryModule in the root module, calls enableShutdownHooks(), writes
.env.example, and keeps .telemetry/ out of Git. Installs the packages that are missing. Shows each change; what is there
already stays as it is.

Options:
  --folder <path>  folder of the project, default the current one
  --dry-run        shows the changes, and makes none
  --skip-install   installs nothing
  --help           prints this
`;

const OPTIONS = {
  folder: { type: 'string' },
  'dry-run': { type: 'boolean' },
  'skip-install': { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

/**
 * Edits the project. Returns the exit code: 1 where a part has to be done by hand.
 *
 * @throws UsageError for options that are wrong, Error where package.json is no JSON or the packages cannot be installed
 */
export function runInit(args: readonly string[]): Promise<number> {
  const values = readOptions(args, OPTIONS, COMMAND);
  if (values.help === true) {
    process.stdout.write(HELP);
    return Promise.resolve(0);
  }
  const folder = resolve(values.folder ?? '.');
  const manifest = readManifest(folder);
  const isDryRun = values['dry-run'] === true;
  const { edits, byHand } = planEdits((path) => readText(join(folder, path)));
  for (const edit of edits) {
    process.stdout.write(`${renderEdit(edit)}\n`);
    if (!isDryRun) writeFileSync(join(folder, edit.path), edit.after);
  }
  if (edits.length === 0 && byHand.length === 0) process.stdout.write('Everything is there already.\n');
  const missing = PACKAGES.filter((name) => !isListed(manifest, name));
  if (missing.length > 0 && values['skip-install'] !== true) install(folder, missing, isDryRun);
  for (const hint of byHand) process.stdout.write(`By hand: ${hint}\n`);
  return Promise.resolve(byHand.length > 0 ? 1 : 0);
}

function readManifest(folder: string): Readonly<Record<string, unknown>> {
  const text = readText(join(folder, 'package.json'));
  if (text === undefined)
    throw new UsageError(
      `There is no package.json in ${folder}. Name the folder of the project with --folder.`,
      COMMAND,
    );
  return parseManifest(text, join(folder, 'package.json'));
}

/** @throws Error that names the file and the mistake in it, before anything is changed */
function parseManifest(text: string, path: string): Readonly<Record<string, unknown>> {
  let reason: string;
  try {
    // Editors of Windows may put it there, and npm reads over it.
    const manifest: unknown = JSON.parse(text.replace(/^\uFEFF/, ''));
    if (isRecord(manifest)) return manifest;
    reason = `it is ${Array.isArray(manifest) ? 'a list' : JSON.stringify(manifest).slice(0, 40)}, not an object`;
  } catch (error) {
    reason = text.trim() === '' ? 'it is empty' : describeSyntaxError(error, text);
  }
  throw new Error(
    `${path} cannot be read as JSON: ${reason}. Mend the file, and run this command again. Nothing was changed.`,
  );
}

/** With the line, which Node says only of short texts. */
function describeSyntaxError(error: unknown, text: string): string {
  const message = error instanceof Error ? error.message : String(error);
  const at = /at position (\d+)/.exec(message)?.[1];
  const line = at === undefined ? '' : ` in line ${text.slice(0, Number(at)).split('\n').length}`;
  return `${message.replace(/ \(line \d+ column \d+\)$/, '')}${line}`;
}

function readText(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

function isListed(
  { dependencies, devDependencies }: Readonly<Record<string, unknown>>,
  name: string,
): boolean {
  return [dependencies, devDependencies].some((list) => isRecord(list) && name in list);
}

/** The package managers by their lockfiles; npm where there is none. */
const MANAGERS: readonly (readonly [lockfile: string, command: string, ...args: string[]])[] = [
  ['pnpm-lock.yaml', 'pnpm', 'add'],
  ['yarn.lock', 'yarn', 'add'],
  ['bun.lock', 'bun', 'add'],
  ['bun.lockb', 'bun', 'add'],
  ['package-lock.json', 'npm', 'install'],
];

function install(folder: string, packages: readonly string[], isDryRun: boolean): void {
  const found = MANAGERS.find(([lockfile]) => existsSync(join(folder, lockfile)));
  const [, command, ...args] = found ?? ['', 'npm', 'install'];
  const line = [command, ...args, ...packages].join(' ');
  process.stdout.write(`${isDryRun ? 'Would run' : 'Running'}: ${line}\n`);
  if (isDryRun) return;
  const { status, error } = spawnSync(command, [...args, ...packages], {
    cwd: folder,
    stdio: 'inherit',
    // npm and the others are scripts there.
    shell: process.platform === 'win32',
  });
  if (status !== 0)
    throw new Error(
      `"${line}" ${error === undefined ? `ended with ${status}` : `failed: ${error.message}`}. Run it by hand.`,
    );
}

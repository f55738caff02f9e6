import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import { Questions } from './questions';
import { samples } from './samples';
import { findProgram, Server } from './servers';

interface Run {
  readonly answers: readonly unknown[];
  readonly output: string;
  readonly code: number | null;
  readonly signal: string | null;
  readonly spans: readonly string[];
}

function nextMessage<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const ended = (): void => reject(new Error('the application ended'));
    child.once('message', (message: T) => {
      child.off('exit', ended);
      resolve(message);
    });
    child.once('exit', ended);
  });
}

/** Starts a sample, asks it, and ends it as an orchestrator does. */
async function run(name: string, mode: 'with' | 'without', env: Record<string, string>): Promise<Run> {
  const { NODE_ENV: _unset, ...inherited } = process.env;
  const child = spawn(process.execPath, [join(__dirname, 'run.js'), name, mode], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...inherited, ...env },
  });
  let output = '';
  for (const stream of [child.stdout!, child.stderr!])
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  try {
    const { port } = await nextMessage<{ port: number }>(child).catch((error: unknown) => {
      throw new Error(`${String(error)}; it printed:\n${output}`);
    });
    const questions = new Questions(port);
    await samples[name]!.ask(questions);
    const spans = await spansOf(child, mode === 'with' ? samples[name]!.spans : []);
    const gone = once(child, 'close') as Promise<[number | null, string | null]>;
    child.kill('SIGTERM');
    const [code, signal] = await gone;
    return { answers: questions.answers, output, code, signal, spans };
  } finally {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  }
}

/** The names of the spans, once the expected ones are among them or two seconds are over. */
async function spansOf(child: ChildProcess, expected: readonly string[]): Promise<readonly string[]> {
  const deadline = Date.now() + 2_000;
  for (;;) {
    const answer = nextMessage<{ spans: string[] }>(child);
    child.send('spans');
    const { spans } = await answer;
    if (expected.every((name) => spans.includes(name)) || Date.now() > deadline) return spans;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const SERVERS = ['redis-server', 'mariadbd'] as const;

for (const needed of [undefined, ...SERVERS]) {
  const names = Object.keys(samples).filter((name) => samples[name]!.needs === needed);
  const missing = needed !== undefined && findProgram(needed) === undefined;
  const title = needed === undefined ? 'samples' : `samples on a real ${needed}`;
  (missing ? describe.skip : describe)(missing ? `${title} (SKIPPED: it is not installed)` : title, () => {
    let server: Server | undefined;
    beforeAll(async () => {
      if (needed !== undefined) server = await Server.start(needed);
    });
    afterAll(() => server?.stop());

    it.each(names)(
      '%s answers, prints and ends as it does without the module, and is recorded',
      async (name) => {
        const env: Record<string, string> = { SERVER_PORT: String(server?.port ?? 0) };
        const without = await run(name, 'without', env);
        const { spans, ...observed } = await run(name, 'with', env);
        const { spans: none, ...bare } = without;
        expect(observed).toEqual(bare);
        expect(none).toEqual([]);
        for (const expected of samples[name]!.spans) expect(spans).toContain(expected);
      },
    );
  });
}

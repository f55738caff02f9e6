import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { join, resolve } from 'node:path';

import { eventually } from '../../support/eventually.js';

const root = resolve(__dirname, '../../..');

/** A process of its own that writes rows without end. */
export interface WriterProcess {
  /** How many spans it has said to be written; as many lines are. */
  written(): number;
  /** Rows it lost. */
  dropped(): number;
  /** Without any chance to tidy up. Resolves when it is gone. */
  kill(): Promise<void>;
}

/** Makes the program of the sources, once per test file; gives its path. */
export const buildWriter = (folder: string): string => buildProgram(folder, 'write-rows');

/** Makes one of `programs/` of the sources; gives its path. */
export function buildProgram(folder: string, name: string): string {
  const outfile = join(folder, `${name}.mjs`);
  execFileSync(join(root, 'node_modules/esbuild/bin/esbuild'), [
    join(root, `test/dashboard/sqlite/programs/${name}.ts`),
    '--bundle',
    '--platform=node',
    '--format=esm',
    '--log-level=error',
    `--outfile=${outfile}`,
  ]);
  return outfile;
}

/** Resolves when the first rows are written. */
export async function startWriter(program: string, file: string, service: string): Promise<WriterProcess> {
  const child: ChildProcess = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', program, file, service],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let last = [0, 0];
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    last = (text.trim().split('\n').at(-1) ?? '0 0').split(' ').map(Number);
  });
  await eventually(() => (last[0] ?? 0) > 0);
  return {
    written: () => last[0] ?? 0,
    dropped: () => last[1] ?? 0,
    kill: async () => {
      child.kill('SIGKILL');
      await eventually(() => child.signalCode !== null || child.exitCode !== null);
    },
  };
}

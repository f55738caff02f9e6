import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { resetWarnings, warningCounts } from '../../lib/errors/warnings.js';
import { StandardOutput } from '../../lib/logging/destinations.js';
import { eventually } from '../support/eventually.js';

/** A real pipe that does not block, as libuv makes of every pipe that is a process's standard output. */
function openPipe() {
  const folder = mkdtempSync(join(tmpdir(), 'pipe-'));
  const path = join(folder, 'pipe');
  execFileSync('mkfifo', [path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  const received: Buffer[] = [];
  const buffer = Buffer.alloc(1 << 20);
  return {
    writer,
    /** Takes out of the pipe what is in it, and answers with all that was taken so far. */
    read: (): string => {
      try {
        for (let n = readSync(reader, buffer); n > 0; n = readSync(reader, buffer)) {
          received.push(Buffer.from(buffer.subarray(0, n)));
        }
      } catch {
        // EAGAIN: nothing in the pipe now.
      }
      return Buffer.concat(received).toString();
    },
    closeReader: () => {
      closeSync(reader);
    },
    remove: () => {
      closeSync(writer);
      rmSync(folder, { recursive: true });
    },
  };
}

describe('standard output', () => {
  const before = process.listeners('exit');
  let pipe: ReturnType<typeof openPipe>;

  beforeEach(() => {
    pipe = openPipe();
    jest.spyOn(process, 'emitWarning').mockImplementation();
  });

  afterEach(() => {
    pipe.remove();
    resetWarnings();
    jest.restoreAllMocks();
    for (const listener of process.listeners('exit'))
      if (!before.includes(listener)) process.off('exit', listener);
  });

  it('has a line out before write returns when it writes each line', () => {
    new StandardOutput('each-line', pipe.writer).write('one\n');
    expect(pipe.read()).toBe('one\n');
  });

  it('writes the lines of one turn together, after that turn', async () => {
    const output = new StandardOutput('collected', pipe.writer);
    output.write('one\n');
    output.write('two\n');
    expect(pipe.read()).toBe('');
    await eventually(() => pipe.read() === 'one\ntwo\n');
  });

  it('has everything out after a flush', () => {
    const output = new StandardOutput('collected', pipe.writer);
    output.write('one\n');
    output.flush();
    expect(pipe.read()).toBe('one\n');
  });

  it.each(['each-line', 'collected'] as const)(
    'neither waits for a slow reader nor loses or reorders a line (%s)',
    async (mode) => {
      const output = new StandardOutput(mode, pipe.writer);
      const lines = Array.from({ length: 20_000 }, (_, i) => `line ${String(i)} ${'é'.repeat(20)}\n`);
      // The pipe is read by this very thread: a write that waited for room would never return.
      for (const line of lines) output.write(line);

      await eventually(() => pipe.read().length === lines.join('').length);
      expect(pipe.read()).toBe(lines.join(''));
    },
  );

  it('drops lines, and warns once, when the reader stands still for too long', async () => {
    const output = new StandardOutput('each-line', pipe.writer);
    for (let i = 0; i < 40; i++) output.write('x'.repeat(1024 * 1024));
    expect(warningCounts().get('logging:dropped')).toBeGreaterThan(5);
    expect(process.emitWarning).toHaveBeenCalledTimes(1);
    pipe.closeReader();
    await eventually(() => warningCounts().has('logging:stdout'));
  });

  it('gives up without a throw on a reader that is gone', () => {
    const output = new StandardOutput('each-line', pipe.writer);
    pipe.closeReader();
    output.write('nobody reads this\n');
    output.write('nor this\n');
    output.flush();
    expect(warningCounts().get('logging:stdout')).toBe(1);
  });
});

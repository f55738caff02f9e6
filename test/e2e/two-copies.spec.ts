import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

describe('two copies of the package in one process', () => {
  it('share the runtime, the container and the mark that keeps a call from getting two spans', async () => {
    const { stdout } = await run(process.execPath, [join(__dirname, 'programs/two-copies.mjs')]);
    expect(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).toEqual({
      twoCopies: true,
      sameTrace: true,
      spans: ['inner', 'LibraryService.work'],
      calls: 1,
      context: ['LibraryService'],
      correlated: true,
    });
  });
});

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const program = join(__dirname, 'programs/installed-sdk.mjs');

describe.each(['esm', 'cjs'])('the library as %s, which has the SDK inside', (format) => {
  it.each(['fast', 'sdk'])(
    'records by the sampler, processors, reader, view and propagator of the installed SDK, with the engine %s',
    async (engine) => {
      const { stdout } = await promisify(execFile)(process.execPath, [program, format, engine], {
        env: { ...process.env, NODE_OPTIONS: '' },
      });
      expect(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).toEqual({
        spans: [['order', 'with-installed-sdk']],
        logged: 8,
        buckets: [{ boundaries: [7], counts: [0, 1] }],
        sent: true,
      });
    },
  );
});

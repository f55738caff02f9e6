import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const program = join(__dirname, 'programs/late-provider.mjs');

describe('a tracer provider that a CommonJS package registers in an application of ES modules', () => {
  it.each(['before', 'after'])(
    'is refused with a warning, where the package has loaded its API %s the start of telemetry',
    async (when) => {
      const { stdout, stderr } = await promisify(execFile)(process.execPath, [program, when], {
        env: { ...process.env, NODE_OPTIONS: '' },
      });
      expect(stdout + stderr).toMatch(/OtherProvider\) was registered after nestjs-telemetry/);
      expect(stdout).toContain('{"accepted":false}');
    },
  );
});

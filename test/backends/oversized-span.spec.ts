import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { describeWith } from './backend-processes.js';
import { JaegerServer, toRecord } from './jaeger-server.js';

const run = promisify(execFile);

describeWith('jaeger', 'a span that fits in no UDP packet', (binary) => {
  describe.each([
    ['compact', 6831],
    ['binary', 6832],
  ])('sent by %s Thrift', (_, port) => {
    let jaeger: JaegerServer;
    let traceId: string;
    let complaints: string;
    beforeAll(async () => {
      jaeger = await JaegerServer.start(binary);
      const script = join(__dirname, 'send-oversized.mjs');
      const { stdout, stderr } = await run(process.execPath, [script, `${jaeger.host}:${port}`], {
        env: { ...process.env, NODE_OPTIONS: '' },
      });
      traceId = stdout.trim();
      complaints = stderr;
    });
    afterAll(() => jaeger.stop());

    it('is warned about with its name, its size and the remedy, and once when there are several', () => {
      expect(complaints).toContain('the span "too_big" does not fit into a UDP packet');
      expect(complaints).toMatch(/span size [78]\d{4} is larger/);
      expect(complaints).toContain('OTLP');
      expect(complaints).toContain('2 spans');
      expect(complaints.match(/TelemetryWarning/g)).toHaveLength(1);
    });

    it('does not take the rest of its batch with it', async () => {
      const trace = await jaeger.trace(traceId, [
        'oversized/whole',
        'oversized/before',
        'oversized/between',
        'oversized/after',
      ]);
      expect(trace.names).not.toContain('oversized/too_big');
      expect(toRecord(trace.find('oversized/after').tags)).toMatchObject({ index: 5 });
    });
  });
});

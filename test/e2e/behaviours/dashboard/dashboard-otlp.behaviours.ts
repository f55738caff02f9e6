import { gzipSync } from 'node:zlib';

import { type Platform } from '../platform.js';
import { newCaller, type RunningApp } from '../running-app.js';
import { answered, ask, type Json, startDashboard, type Trace } from './dashboard-app.js';

export function describeDashboardOtlp(platform: Platform): void {
  describe('a dashboard that takes OTLP', () => {
    let app: RunningApp;
    beforeAll(async () => {
      app = await startDashboard(platform, { otlp: true });
    });
    afterAll(() => app.stop());

    const send = (
      signal: string,
      body: string | Buffer,
      headers: Record<string, string> = {},
    ): Promise<Response> =>
      app.fetch(`/telemetry/otlp/v1/${signal}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' ? body : new Uint8Array(body),
      });
    const spanOf = (traceId: string) => {
      const now = Date.now();
      return {
        traceId,
        spanId: 'b7ad6b7169203331',
        name: 'GET /stock',
        kind: 2,
        startTimeUnixNano: `${now}000000`,
        endTimeUnixNano: `${now + 7}000000`,
      };
    };
    const requestOf = (...spans: object[]): string =>
      JSON.stringify({
        resourceSpans: [
          {
            resource: { attributes: [{ key: 'service.name', value: { stringValue: 'stock' } }] },
            scopeSpans: [{ scope: { name: 'flask' }, spans }],
          },
        ],
      });

    it('shows what another service has sent, packed or not', async () => {
      const [plain, packed] = [newCaller().traceId, newCaller().traceId];
      expect(await (await send('traces', requestOf(spanOf(plain)))).json()).toEqual({});
      const response = await send('traces', gzipSync(requestOf(spanOf(packed))), {
        'content-encoding': 'gzip',
      });
      expect([response.status, await response.json()]).toEqual([200, {}]);
      for (const traceId of [plain, packed])
        expect(await answered('the trace', () => ask(app, `traces/${traceId}`))).toMatchObject({
          summary: { traceId, service: 'stock', durationMs: 7 },
        });
    });

    it('takes protobuf', async () => {
      const field = (tag: number, value: Buffer): Buffer =>
        Buffer.concat([Buffer.from([tag * 8 + 2, value.length]), value]);
      const { traceId } = newCaller();
      const time = Buffer.alloc(9, 7 * 8 + 1);
      time.writeBigUInt64LE(BigInt(Date.now()) * 1_000_000n, 1);
      const end = Buffer.from(time);
      end[0] = 8 * 8 + 1;
      const span = Buffer.concat([
        field(1, Buffer.from(traceId, 'hex')),
        field(2, Buffer.from('b7ad6b7169203331', 'hex')),
        field(5, Buffer.from('work')),
        time,
        end,
      ]);
      const body = field(1, field(2, field(2, span)));
      const response = await send('traces', body, { 'content-type': 'application/x-protobuf' });
      expect(response.headers.get('content-type')).toBe('application/x-protobuf');
      expect((await response.arrayBuffer()).byteLength).toBe(0);
      const trace = await answered('the trace', () => ask<Trace>(app, `traces/${traceId}`));
      expect(trace.spans).toMatchObject([{ name: 'work', service: 'unknown_service' }]);
    });

    it('takes log lines and metrics', async () => {
      const stringValue = 'a line of another service';
      const logs = {
        resourceLogs: [{ scopeLogs: [{ logRecords: [{ severityNumber: 13, body: { stringValue } }] }] }],
      };
      const dataPoints = [{ timeUnixNano: `${Date.now()}000000`, asDouble: 4 }];
      const metrics = {
        resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name: 'depth', gauge: { dataPoints } }] }] }],
      };
      expect((await send('logs', JSON.stringify(logs))).status).toBe(200);
      expect((await send('metrics', JSON.stringify(metrics))).status).toBe(200);
      const lines = await answered('the line', async () => {
        const { items } = await ask<{ items: Json[] }>(app, 'logs?text=another+service');
        return items.length > 0 && items;
      });
      expect(lines).toMatchObject([{ level: 'warn', message: stringValue }]);
      await answered('the instrument', async () =>
        (await ask<Json[]>(app, 'metrics')).find(({ name }) => name === 'depth'),
      );
    });

    it('answers how many items it could not take, and takes the others', async () => {
      const { traceId } = newCaller();
      const response = await send('traces', requestOf(spanOf(traceId), spanOf('xyz')));
      expect([response.status, await response.json()]).toEqual([
        200,
        {
          partialSuccess: { rejectedSpans: '1', errorMessage: expect.stringContaining('traceId') as unknown },
        },
      ]);
      await answered('the trace', () => ask(app, `traces/${traceId}`));
    });

    it.each<[string, string, Record<string, string>, number]>([
      ['JSON that is none', '{"resourceSpans":', {}, 400],
      ['a list', '[]', {}, 400],
      ['fields of another type', '{"resourceSpans":7}', {}, 400],
      ['gzip that is none', '{}', { 'content-encoding': 'gzip' }, 400],
      ['another packing', '{}', { 'content-encoding': 'br' }, 415],
    ])('answers %s with a Status that has the reason', async (_what, body, headers, status) => {
      const response = await send('traces', body, headers);
      expect([response.status, await response.json()]).toEqual([
        status,
        { code: 3, message: expect.any(String) as unknown },
      ]);
    });

    it('answers protobuf that is none with a Status in protobuf', async () => {
      const response = await send('traces', 'not protobuf', { 'content-type': 'application/x-protobuf' });
      expect([response.status, response.headers.get('content-type')]).toEqual([
        400,
        'application/x-protobuf',
      ]);
      expect(Buffer.from(await response.arrayBuffer()).toString('latin1')).toContain('no OTLP request');
    });

    it('answers another type with the reason', async () => {
      const response = await send('traces', 'x', { 'content-type': 'text/plain' });
      expect([response.status, await response.json()]).toEqual([
        415,
        { error: { status: 415, message: expect.any(String) as unknown } },
      ]);
    });

    it('refuses a body that is too long, unpacked too', async () => {
      const long = Buffer.alloc(17 * 1_024 * 1_024, 0x20);
      expect((await send('traces', gzipSync(long), { 'content-encoding': 'gzip' })).status).toBe(413);
      expect((await send('traces', long)).status).toBe(413);
      expect((await send('traces', '{}')).status).toBe(200);
    });

    it('is only there where it was asked for', async () => {
      const { status } = await send('profiles', '{}');
      expect(status).toBe(404);
    });
  });
}

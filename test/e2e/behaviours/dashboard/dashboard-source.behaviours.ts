import { type Platform } from '../platform.js';
import { RunningApp } from '../running-app.js';
import { OrdersController } from './dashboard-app.js';

/** Nothing listens on the port of `discard`. */
const NOWHERE = 'http://127.0.0.1:9';

export function describeDashboardSource(platform: Platform): void {
  describe('a dashboard with ClickHouse behind it that does not answer', () => {
    let app: RunningApp;
    beforeAll(async () => {
      const source = { clickhouse: { url: NOWHERE, password: 'a-secret-password' } };
      app = await RunningApp.start(platform, {
        controllers: [OrdersController],
        telemetry: { dashboard: { enabled: true, token: false, otlp: true, source } },
      });
    });
    afterAll(() => app.stop());

    it('says what is wrong and what to do, and leaves the application alone', async () => {
      const response = await app.fetch('/telemetry/api/v1/services');
      const { error } = (await response.json()) as { error: { message: string } };
      expect([response.status, error.message]).toEqual([502, expect.stringContaining(NOWHERE)]);
      expect(error.message).toContain('check dashboard.source.clickhouse.url or TELEMETRY_CLICKHOUSE_URL');
      expect(error.message).not.toContain('a-secret-password');
      expect(await (await app.fetch('/orders/7')).text()).toBe('order 7');
    });

    it('takes no OTLP: the database is only read', async () => {
      const otlp = await app.fetch('/telemetry/otlp/v1/traces', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"resourceSpans":[]}',
      });
      expect([otlp.status, await otlp.text()]).toEqual([404, expect.stringContaining('read only')]);
    });
  });
}

import { createServer } from 'node:http';
import { type AddressInfo, type Socket } from 'node:net';

import { eventually } from '../../../support/eventually.js';
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

  describe('a dashboard whose ClickHouse takes queries and does not answer', () => {
    let app: RunningApp;
    /** Takes whatever comes, until it dies. */
    const clickHouse = createServer(() => undefined);
    const connections = new Set<Socket>();
    const die = async (): Promise<void> => {
      const closed = new Promise((resolve) => clickHouse.close(resolve));
      for (const socket of connections) socket.destroy();
      await closed;
    };
    beforeAll(async () => {
      clickHouse.on('connection', (socket) => {
        connections.add(socket);
      });
      await new Promise<void>((resolve) => clickHouse.listen(0, '127.0.0.1', resolve));
      const { port } = clickHouse.address() as AddressInfo;
      const source = { clickhouse: { url: `http://127.0.0.1:${port}` } };
      app = await RunningApp.start(platform, {
        controllers: [OrdersController],
        telemetry: { dashboard: { enabled: true, token: false, source } },
      });
    });
    afterAll(() => app.stop());

    it('leaves the application alone while views wait, and when the database dies', async () => {
      let answered = 0;
      const questions = ['services', 'overview', 'routes', 'errors', 'traces', 'logs'].map(async (view) => {
        const { status } = await app.fetch(`/telemetry/api/v1/${view}`);
        answered += 1;
        return status;
      });
      await eventually('queries that wait', () => connections.size >= 3);
      const askForOrders = () =>
        Promise.all(Array.from({ length: 20 }, async (_, id) => (await app.fetch(`/orders/${id}`)).text()));
      const orders = Array.from({ length: 20 }, (_, id) => `order ${id}`);
      expect(await askForOrders()).toEqual(orders);
      expect(answered).toBe(0);
      await die();
      expect(await Promise.all(questions)).toEqual(questions.map(() => 502));
      expect(await askForOrders()).toEqual(orders);
    });
  });
}

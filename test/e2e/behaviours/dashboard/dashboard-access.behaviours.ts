import { type Server } from 'node:http';
import { type Socket } from 'node:net';

import { type Platform } from '../platform.js';
import { type RunningApp } from '../running-app.js';
import { startDashboard, statusAt } from './dashboard-app.js';

export function describeDashboardAccess(platform: Platform): void {
  describe('who may ask the dashboard', () => {
    let app: RunningApp;
    beforeAll(async () => {
      app = await startDashboard(platform);
    });
    afterAll(() => app.stop());

    const statusOf = (path: string, headers?: Record<string, string>, method?: string): Promise<number> =>
      statusAt(app, path, headers, method);

    it.each(['evil.example', 'evil.example:3000', '127.0.0.1.evil.example', 'localhost.', '127.0.0.2'])(
      'refuses the host %j, page and API alike',
      async (host) => {
        expect(await statusOf('api/v1/services', { host })).toBe(403);
        expect(await statusOf('', { host })).toBe(403);
      },
    );

    it.each(['localhost', 'localhost:3000', '127.0.0.1', '[::1]:3000', 'LOCALHOST'])(
      'answers the host %s',
      async (host) => {
        expect(await statusOf('api/v1/services', { host })).toBe(200);
      },
    );

    it('refuses a page of another origin, and answers its own', async () => {
      const host = 'localhost:3000';
      expect(await statusOf('api/v1/services', { host, origin: 'http://evil.example' })).toBe(403);
      expect(await statusOf('api/v1/services', { host, origin: 'http://localhost:4000' })).toBe(403);
      expect(await statusOf('api/v1/services', { host, origin: 'null' })).toBe(403);
      expect(await statusOf('api/v1/services', { host, origin: 'http://localhost:3000' })).toBe(200);
      expect(await statusOf('api/v1/services', { host, 'sec-fetch-site': 'cross-site' })).toBe(403);
      expect(await statusOf('api/v1/services', { host, 'sec-fetch-site': 'same-site' })).toBe(403);
      expect(await statusOf('api/v1/services', { host, 'sec-fetch-site': 'same-origin' })).toBe(200);
    });

    it('refuses what a proxy of this machine passes on for others, independent of its other headers', async () => {
      expect(await statusOf('api/v1/services', { 'x-forwarded-for': '192.0.2.7, 127.0.0.1' })).toBe(403);
      expect(await statusOf('api/v1/services', { forwarded: 'for="[2001:db8::1]:4711"' })).toBe(403);
      expect(await statusOf('api/v1/services', { 'x-forwarded-for': '127.0.0.1' })).toBe(200);
    });

    it('refuses a form of another page: a POST must have the content type of JSON', async () => {
      expect(await statusOf('api/v1/selection', { 'content-type': 'text/plain' }, 'POST')).toBe(415);
      expect(
        await statusOf(
          'api/v1/traces/import',
          { 'content-type': 'application/x-www-form-urlencoded' },
          'POST',
        ),
      ).toBe(415);
    });

    it('sends everything with headers that keep it to itself', async () => {
      const { headers } = await app.fetch('/telemetry/api/v1/services');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(headers.get('access-control-allow-origin')).toBeNull();
    });

    it('leads to the folder of the page', async () => {
      const response = await app.fetch('/telemetry', { redirect: 'manual' });
      expect([response.status, response.headers.get('location')]).toEqual([303, './telemetry/']);
    });
  });

  describe('a dashboard asked from another machine', () => {
    const pretendRemote = (app: RunningApp): void => {
      (app.app.getHttpServer() as Server).prependListener('connection', (socket: Socket) => {
        Object.defineProperty(socket, 'remoteAddress', { value: '192.0.2.7' });
      });
    };

    it('does not answer, neither page nor API, and believes no header', async () => {
      const app = await startDashboard(platform);
      try {
        pretendRemote(app);
        const headers = { 'x-forwarded-for': '127.0.0.1' };
        expect((await app.fetch('/telemetry/api/v1/services', { headers })).status).toBe(403);
        expect((await app.fetch('/telemetry/')).status).toBe(403);
        expect((await app.fetch('/orders/1')).status).toBe(200);
      } finally {
        await app.stop();
      }
    });

    it('answers where that is allowed, under names that are allowed', async () => {
      const dashboard = { allowRemote: true, allowedHosts: ['dev.example.com', '192.0.2.1'] };
      const app = await startDashboard(platform, dashboard);
      try {
        pretendRemote(app);
        const hosts = [
          'dev.example.com',
          'DEV.example.com:3000',
          '192.0.2.1:3000',
          'localhost',
          'example.com',
        ];
        const statuses = await Promise.all(hosts.map((host) => statusAt(app, 'api/v1/services', { host })));
        expect(statuses).toEqual([200, 200, 200, 200, 403]);
      } finally {
        await app.stop();
      }
    });
  });
}

import { rmSync } from 'node:fs';
import { join } from 'node:path';

import { eventually } from '../../../support/eventually.js';
import { type Platform } from '../platform.js';
import { RunningApp } from '../running-app.js';
import { addressesIn, answered, startDashboard, startUnconfigured, statusAt } from './dashboard-app.js';

export function describeDashboardToken(platform: Platform): void {
  describe('a dashboard with a token', () => {
    const token = 'a-token-nobody-guesses';
    let app: RunningApp;
    beforeAll(async () => {
      app = await startDashboard(
        platform,
        { enabled: true, token },
        { telemetry: { environment: 'production' } },
      );
    });
    afterAll(() => app.stop());

    const statusWith = async (headers: Record<string, string>): Promise<number> =>
      (await app.fetch('/telemetry/api/v1/services', { headers })).status;

    it('is not printed: the user knows it, and a log may be read by others', () => {
      expect(addressesIn(app)).toEqual([expect.stringMatching(/\/telemetry$/)]);
    });

    it('refuses requests without it', async () => {
      expect(await statusWith({})).toBe(401);
      expect(await statusWith({ authorization: 'Bearer another-token-altogether' })).toBe(401);
      expect(await statusWith({ authorization: `Basic ${token}` })).toBe(401);
      expect(await statusWith({ cookie: `telemetry=${token}` })).toBe(401);
      expect((await app.fetch(`/telemetry/api/v1/services?token=${token}`)).status).toBe(401);
    });

    it('answers who sends it', async () => {
      expect(await statusWith({ authorization: `Bearer ${token}` })).toBe(200);
    });

    it('trades it in an address of the page for a cookie that does not reveal it', async () => {
      const response = await app.fetch(`/telemetry/?token=${token}`, { redirect: 'manual' });
      const cookie = response.headers.get('set-cookie') ?? '';
      expect([response.status, response.headers.get('location')]).toEqual([303, './']);
      expect(cookie).toMatch(
        /^telemetry-[\da-f]{8}=[\da-f]{64}; Path=\/telemetry; HttpOnly; SameSite=Strict$/,
      );
      expect(await statusWith({ cookie: cookie.split(';')[0] ?? '' })).toBe(200);
      expect(
        (await app.fetch('/telemetry/?token=another-token-altogether', { redirect: 'manual' })).status,
      ).toBe(401);
    });
  });

  describe('a dashboard whose token is not set', () => {
    let app: RunningApp;
    let folder: string;
    let token: string;
    beforeAll(async () => {
      const started = await startUnconfigured(platform);
      ({ app, folder } = started);
      const [address = ''] = await eventually('the address', () => {
        const printed = started.addresses();
        return printed.length > 0 && printed;
      });
      token = /\/telemetry\/#token=([\w-]{32})$/.exec(address)?.[1] ?? '';
    });
    afterAll(async () => {
      await app.stop();
      rmSync(folder, { recursive: true, force: true });
    });
    const services = (headers: Record<string, string>): Promise<Response> =>
      app.fetch('/telemetry/api/v1/services', { headers });

    it('prints the address with a token made at random', () => {
      expect(token).not.toBe('');
    });

    it('refuses requests without the token, also through a proxy on this machine that adds no header', async () => {
      expect((await services({})).status).toBe(401);
      expect((await services({ authorization: `Bearer ${token}` })).status).toBe(200);
    });

    it('signs a browser in by a cookie that outlives the browser and does not contain the token', async () => {
      const response = await app.fetch('/telemetry/api/v1/session', {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'sec-fetch-site': 'same-origin' },
      });
      const cookie = response.headers.get('set-cookie') ?? '';
      expect(response.status).toBe(204);
      expect(cookie).toMatch(/; Path=\/telemetry; HttpOnly; SameSite=Strict; Max-Age=2592000$/);
      expect(cookie).not.toContain(token);
      expect((await services({ cookie: cookie.split(';')[0] ?? '' })).status).toBe(200);
    });

    it('refuses to sign in without the token, or for a page of another origin', async () => {
      const signIn = (headers: Record<string, string>) => statusAt(app, 'api/v1/session', headers, 'POST');
      expect(await signIn({})).toBe(401);
      expect(await signIn({ authorization: 'Bearer another-token-altogether' })).toBe(401);
      expect(await signIn({ authorization: `Bearer ${token}`, 'sec-fetch-site': 'cross-site' })).toBe(403);
      expect(await signIn({ authorization: `Bearer ${token}`, origin: 'http://evil.example' })).toBe(403);
    });

    it('writes the token to standard output only: it is no log record', async () => {
      const authorization = `Bearer ${token}`;
      const search = async (text: string) => {
        const logs = await app.fetch(`/telemetry/api/v1/logs?text=${text}`, { headers: { authorization } });
        return (await logs.json()) as { items: { message: string }[] };
      };
      await app.fetch('/orders/1');
      await eventually('another line', () => app.log.lines.some(({ msg }) => msg === 'looking for an order'));
      await answered('the other line', async () => (await search('looking')).items.length > 0);
      const { items } = await search('dashboard');
      expect(items.filter(({ message }) => message.startsWith('The dashboard is at'))).toEqual([]);
    });

    it('keeps the token over a restart, so that bookmarks go on to work', async () => {
      const again = await RunningApp.start(platform, {
        telemetry: { environment: 'development', store: { file: join(folder, 'telemetry.db') } },
      });
      try {
        const response = await again.fetch('/telemetry/api/v1/services', {
          headers: { authorization: `Bearer ${token}` },
        });
        expect(response.status).toBe(200);
      } finally {
        await again.stop();
      }
    });

    it('slows down and reports wrong tokens, and answers the right one without delay', async () => {
      const durations: number[] = [];
      for (let index = 0; index < 6; index += 1) {
        const started = performance.now();
        const response = await services({ authorization: `Bearer wrong-token-number-${index}` });
        durations.push(performance.now() - started);
        expect(response.status).toBe(401);
      }
      // 250, 500 and 1,000 ms are added from the fourth on, after those that other tests have sent.
      expect(durations.at(-1)).toBeGreaterThan(900);
      const started = performance.now();
      const health = await app.fetch('/telemetry/api/v1/health', {
        headers: { authorization: `Bearer ${token}` },
      });
      expect(performance.now() - started).toBeLessThan(durations.at(-1)!);
      const { warnings } = (await health.json()) as { warnings: { message: string; count: number }[] };
      const warning = warnings.find(({ message }) => message.includes('had a wrong token'));
      expect(warning?.message).toMatch(/^A request to the dashboard from 127\.0\.0\.1 had a wrong token\./);
      expect(warning?.count).toBeGreaterThanOrEqual(6);
    });

    it('refuses further tries unread while many wrong tokens are being answered', async () => {
      const statuses = await Promise.all(
        Array.from({ length: 60 }, async (_, index) => {
          const response = await services({ authorization: `Bearer wrong-again-number-${index}` });
          return [response.status, response.headers.get('retry-after')].join(' ');
        }),
      );
      expect(new Set(statuses)).toEqual(new Set(['401 ', '429 4']));
      expect(statuses.filter((each) => each === '401 ').length).toBeLessThanOrEqual(20);
    });
  });
}

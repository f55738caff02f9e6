import { type Page } from 'playwright-core';

import { type HealthAnswer } from '../../../lib/dashboard/panels/health/query.js';
import { type FindingsAnswer } from '../../../lib/dashboard/panels/overview/findings.js';
import { type TrendsPageAnswer } from '../../../lib/dashboard/panels/overview/query.js';
import {
  type RouteAnswer,
  type ServiceAnswer,
} from '../../../lib/dashboard/reader/answers/traffic.interface.js';
import { becomesTrue, describeInChromium, useStage } from './chromium.js';

describeInChromium('the overview', () => {
  const stage = useStage();

  it('begins with the first record when the application has just been started', async () => {
    const page = await stage.open('#/health');
    const health: HealthAnswer = await page.evaluate(
      "fetch('api/v1/health').then((answer) => answer.json())",
    );
    const since = Date.now() - 120_000;
    await page.route('**/api/v1/health', (route) =>
      route.fulfill({ json: { ...health, store: { ...health.store, since } } }),
    );
    const asked = page.waitForRequest(
      (request) => Number(new URL(request.url()).searchParams.get('from')) === since,
    );
    await page.evaluate("location.hash = '#/overview'");
    await page.reload();
    expect((await asked).url()).toContain('/api/v1/');
  });

  it.each([
    ['wide', 1_400],
    ['narrow', 420],
  ])('keeps every card in its place while it loads, in a %s window', async (_name, width) => {
    const page = await stage.open('#/health', { viewport: { width, height: 900 } });
    await page.addInitScript(`
      window.shifted = [];
      new PerformanceObserver((list) => {
        for (const { value, sources } of list.getEntries()) {
          // An age that becomes longer, "10 s", moves the text beside it by less than that.
          if (value < 0.0005) continue;
          window.shifted.push({ value, what: sources.map(({ node }) => node?.className ?? node?.parentElement?.className) });
        }
      }).observe({ type: 'layout-shift', buffered: true });
    `);
    // Slowly, so that every step in between is painted.
    await page.route('**/api/v1/**', async (route) => {
      await page.waitForTimeout(150);
      await route.continue();
    });
    await page.evaluate("location.hash = '#/overview?open=gateway'");
    await page.reload();
    await page.locator('.routes tbody tr').first().waitFor();
    await page.locator('.dot').first().waitFor();
    await page.waitForTimeout(300);
    expect(await page.evaluate('window.shifted')).toEqual([]);
  });

  it('begins with what is wrong, the worst first, and leads to the place that shows it', async () => {
    const page = await stage.open('#/health');
    const route = { service: 'gateway', method: 'GET', route: '/orders/:id' };
    const answer: FindingsAnswer = {
      findings: [
        {
          kind: 'new-error',
          service: 'worker',
          fingerprint: 'DatabaseError',
          type: 'DatabaseError',
          message: 'deadlock detected',
          count: 12,
          firstSeen: Date.now(),
          firstVersion: '2.0.0',
          route: undefined,
        },
        {
          kind: 'slower',
          ...route,
          baseline: { kind: 'version', version: '1.9.0', now: '2.0.0', since: Date.now() },
          before: { count: 480, p95: 310, errorShare: 0 },
          now: { count: 120, p95: 1_240, errorShare: 0 },
        },
      ],
      more: 2,
    };
    await page.route('**/api/v1/findings?*', (call) => call.fulfill({ json: answer }));
    await page.evaluate("location.hash = '#/overview'");
    const items = page.locator('.findings li');
    await items.nth(1).waitFor();
    const [first, second] = await items.allInnerTexts();
    expect(first).toMatch(/New error\s+DatabaseError deadlock detected · 12 times in worker/);
    expect(second).toMatch(
      /Slower\s+GET \/orders\/:id of gateway takes 1.24 s since version 2.0.0, 310 ms in 1.9.0/,
    );
    expect(await page.locator('.findings').innerText()).toContain('And 2 others like these.');
    const above = (selector: string) => page.locator(selector).first().boundingBox();
    expect((await above('.findings'))!.y).toBeLessThan((await above('.service'))!.y);
    // Not opened: the fixture has no such error.
    expect(await items.first().locator('a').getAttribute('href')).toBe('#/errors/worker/DatabaseError');
    const place = '?service=gateway&method=GET&route=%2Forders%2F%3Aid';
    expect(await items.nth(1).locator('a').nth(1).getAttribute('href')).toBe(`#/traces${place}&min=310ms`);
    await items.nth(1).locator('a').first().click();
    expect(page.url()).toContain(`#/route${place}`);
  });

  it('says so when nothing stands out', async () => {
    const page = await stage.open('#/health');
    await page.route('**/api/v1/findings?*', (call) => call.fulfill({ json: { findings: [], more: 0 } }));
    await page.evaluate("location.hash = '#/overview'");
    await page.locator('.findings', { hasText: 'Nothing stands out' }).waitFor();
  });

  it('shows a service in one line, opens it on click, and keeps that in the address', async () => {
    const page = await stage.open('#/overview?live=0');
    const card = page.locator('section[aria-label="gateway"]');
    const line = card.getByRole('button', { name: 'gateway' });
    await card.locator('.sparkline path').nth(2).waitFor();
    expect(await card.locator('.figures').innerText()).toMatch(/Rate\s+[\d.]+ \/s\s+Errors\s+.+ %\s+p95\s+/);
    expect((await card.boundingBox())!.height).toBeLessThan(60);
    expect(await page.locator('.service canvas').count()).toBe(0);
    await line.click();
    await card.locator('canvas').nth(1).waitFor();
    expect(await line.getAttribute('aria-expanded')).toBe('true');
    expect(page.url()).toContain('open=gateway');
    await page.reload();
    await card.locator('canvas').nth(1).waitFor();
    await line.press('Enter');
    await card.locator('canvas').first().waitFor({ state: 'detached' });
    expect(page.url()).not.toContain('open');
  });

  it('opens the only service by itself', async () => {
    const page = await stage.open('#/health');
    await page.route('**/api/v1/services?*', async (call) => {
      const all = (await (await call.fetch()).json()) as readonly ServiceAnswer[];
      await call.fulfill({ json: all.filter(({ name }) => name === 'orchestrator') });
    });
    await page.evaluate("location.hash = '#/overview'");
    const card = page.locator('section[aria-label="orchestrator"]');
    await card.locator('canvas').first().waitFor();
    await card.getByRole('button', { name: 'orchestrator' }).click();
    await card.locator('canvas').first().waitFor({ state: 'detached' });
    expect(page.url()).toContain('closed=orchestrator');
  });

  it('shows how routes changed, what is worse first, with their line', async () => {
    const page = await stage.open('#/health');
    const change = { kind: 'slower', measure: 'p95', before: 93.7, now: 1_500, compared: 'recent' } as const;
    await page.route('**/api/v1/trends?*', async (call) => {
      const answer = (await (await call.fetch()).json()) as TrendsPageAnswer;
      const routes = answer.routes.map((route) => ({
        ...route,
        change: route.route === '/prices' ? change : undefined,
      }));
      await call.fulfill({ json: { ...answer, routes } });
    });
    await page.evaluate("location.hash = '#/overview?live=0'");
    const first = page.locator('.routes tbody tr').first();
    await first.waitFor();
    expect(await first.innerText()).toMatch(/\/prices[^]*×16 in the last [\d.]+ min/);
    expect(await first.locator('.sparkline path').getAttribute('d')).toMatch(/^M[\d.]+ [\d.]+L/);
    expect(await first.locator('.route-change').getAttribute('title')).toMatch(
      /^p95: 1\.5 s in the last .+ min, 93\.7 ms before$/,
    );
    expect(await page.locator('.routes tbody tr').nth(1).innerText()).toContain('as before');
    await page.getByRole('button', { name: 'Requests', exact: true }).click();
    expect(await first.innerText()).not.toContain('/prices');
  });

  it.each([1_280, 1_400])(
    'breaks no name of a service, and fits the routes into %i pixels',
    async (width) => {
      const page = await stage.open('#/overview', { viewport: { width, height: 900 } });
      await page.route('**/api/v1/routes*', async (route) => {
        const text = await (await route.fetch()).text();
        const body = text.replaceAll('"gateway"', '"background worker of orders"');
        await route.fulfill({ contentType: 'application/json', body });
      });
      await page.reload();
      await page.locator('.routes tbody tr').first().waitFor();
      const tall = await page.evaluate(`[...document.querySelectorAll('.routes td:nth-child(2)')]
      .filter((cell) => { const range = document.createRange(); range.selectNodeContents(cell); return range.getBoundingClientRect().height > 24; })
      .map((cell) => cell.textContent)`);
      expect(tall).toEqual([]);
      const [needed, given] = await page.evaluate<[number, number]>(
        "(({ scrollWidth, clientWidth }) => [scrollWidth, clientWidth])(document.querySelector('.routes .scroll-x'))",
      );
      expect(needed).toBeLessThanOrEqual(given);
    },
  );

  it('lists 1,000 routes a hundred at a time, finds one, and folds those without requests', async () => {
    const page = await stage.open('#/health');
    await page.route('**/api/v1/routes?*', async (call) => {
      const [one] = (await (await call.fetch()).json()) as readonly [RouteAnswer];
      const routes = Array.from({ length: 1_504 }, (_, index) => ({
        ...one,
        route: `/items/${index}`,
        count: index < 1_000 ? 1_000 - index : 0,
      }));
      await call.fulfill({ json: routes });
    });
    await page.evaluate("location.hash = '#/overview?live=0'");
    const rows = page.locator('.routes tbody tr');
    await rows.first().waitFor();
    expect(await rows.count()).toBe(100);
    await page.getByRole('button', { name: 'Show 100 more of 1,000' }).click();
    expect(await rows.count()).toBe(200);
    await page.getByRole('button', { name: '504 routes without requests' }).click();
    expect(await rows.count()).toBe(300);
    await page.getByRole('searchbox', { name: 'Find routes' }).fill('items/99');
    await becomesTrue(page, "document.querySelectorAll('.routes tbody tr').length === 11");
  });

  it('orders services by name, not by what they happen to do', async () => {
    const page = await stage.open('#/overview');
    await page.locator('.service').first().waitFor();
    const names = await page.locator('.service h2').allInnerTexts();
    expect(names).toEqual([...names].sort((a, b) => a.localeCompare(b)));
    expect(names.length).toBeGreaterThan(3);
  });

  it('shows dashes, not zeros, for a service without requests', async () => {
    const from = Date.now() - 86_400_000;
    const page = await stage.open(`#/overview?from=${from}&to=${from + 60_000}&open=gateway`);
    const card = page.locator('section[aria-label="gateway"]');
    expect((await card.locator('.figures').innerText()).replace(/\s+/g, ' ')).toBe(
      'Rate 0 /s Errors – p50 – p95 – p99 –',
    );
    expect(await card.innerText()).toContain('No requests in this time range');
  });

  it('gives a service one colour in every view, and the same after a reload', async () => {
    const page = await stage.open('#/overview');
    const colour = async (place: Page, holder: string): Promise<string> => {
      await place.locator(holder).first().waitFor();
      return place.evaluate<string>(
        `getComputedStyle(document.querySelector('${holder}')).getPropertyValue('--service')`,
      );
    };
    const first = await colour(page, 'section[aria-label="orchestrator"]');
    await page.evaluate("location.hash = '#/logs?service=orchestrator'");
    expect(await colour(page, '.log-service')).toBe(first);
    await page.reload();
    expect(await colour(page, '.log-service')).toBe(first);
    await page.evaluate("location.hash = '#/traces?service=orchestrator'");
    expect(await colour(page, '.trace-services > :nth-child(2)')).toBe(first);
  });

  it('gives services that want the same colour the same ones in every browser, whatever is opened first', async () => {
    const coloursAt = async (hash: string, holder: string): Promise<Record<string, string>> => {
      const page = await stage.open(hash);
      await page.locator(holder).first().waitFor();
      return page.evaluate(`Object.fromEntries([...document.querySelectorAll('${holder}')].map((element) => [
        element.textContent.trim(),
        getComputedStyle(element).getPropertyValue('--service'),
      ]))`);
    };
    const here = await coloursAt('#/overview', '.service h2');
    const there = await coloursAt('#/logs', '.log-service');
    expect(Object.keys(there).length).toBeGreaterThan(2);
    expect(here).toMatchObject(there);
  });

  it('shows how a request was answered apart from what failed below it', async () => {
    // The newest: the oldest leave the time range while other tests run.
    const answered = stage.server.dataset.traces.findLast(
      ({ summary }) => summary.status === '200' && summary.errorCount === 1,
    )!.summary;
    const page = await stage.open('#/traces?status=error');
    const row = page.locator('.trace-row', { has: page.locator(`a[href*="${answered.traceId}"]`) });
    await row.waitFor();
    expect(await row.locator('.status').getAttribute('class')).toContain('status-good');
    expect(await row.locator('.trace-failed').innerText()).toBe('1 span failed');
    await row.locator('a').click();
    await page.locator('.trace-header').waitFor();
    expect(await page.locator('.trace-header .status').getAttribute('class')).toContain('status-good');
    expect(await page.locator('.trace-header h1').innerText()).toContain('1 span failed');
    const refused = await stage.open('#/traces?status=500');
    await refused.locator('.trace-row .status-bad').first().waitFor();
  });

  it('opens the metrics with the duration of requests, in sight', async () => {
    const page = await stage.open('#/metrics');
    const chosen = page.locator('.instruments a[aria-current]');
    await chosen.waitFor();
    expect(await chosen.innerText()).toContain('http.server.request.duration');
    await becomesTrue(
      page,
      "document.querySelector('.metric h2').textContent === 'http.server.request.duration'",
    );
  });
});

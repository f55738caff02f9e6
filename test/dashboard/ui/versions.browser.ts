import { type ComparisonAnswer } from '../../../lib/dashboard/panels/versions/query.js';
import { describeInChromium, useStage } from './chromium.js';

const NOW = Date.now();
const route = { service: 'gateway', method: 'GET' };
const figures = { perSecond: 1, errorShare: 0 };

const ANSWER: ComparisonAnswer = {
  service: 'gateway',
  versions: ['1.4.2', '1.4.1', '1.3.0'],
  a: { version: '1.4.1', from: NOW - 600_000, to: NOW - 300_000 },
  b: { version: '1.4.2', from: NOW - 300_000, to: NOW },
  routes: [
    {
      ...route,
      route: '/orders/:id',
      verdict: 'slower',
      a: { ...figures, count: 480, p95: 310, from: NOW - 590_000, to: NOW - 310_000 },
      b: { ...figures, count: 120, p95: 1_240, from: NOW - 290_000, to: NOW },
    },
    {
      ...route,
      route: '/products',
      verdict: 'only-b',
      a: undefined,
      b: { ...figures, count: 7, p95: 20, from: NOW - 290_000, to: NOW },
    },
  ],
  total: 2,
};

describeInChromium('before and after', () => {
  const stage = useStage();

  it('ranks the routes of two versions, and leads to the traces of each side', async () => {
    const page = await stage.open('#/health');
    const asked: string[] = [];
    await page.route('**/api/v1/comparison*', (call) => {
      asked.push(new URL(call.request().url()).search);
      return call.fulfill({ json: ANSWER });
    });
    await page.evaluate("location.hash = '#/versions?live=0'");
    const rows = page.locator('.compared-routes tbody tr');
    await rows.nth(1).waitFor();
    expect((await rows.first().innerText()).replace(/\s+/g, ' ')).toBe(
      'Slower GET /orders/:id gateway 310 ms → 1.24 s 0 % → 0 % 1 /s → 1 /s 480 → 120',
    );
    expect((await rows.nth(1).innerText()).replace(/\s+/g, ' ')).toContain('Only after GET /products');
    expect(await page.getByLabel('Version before').inputValue()).toBe('1.4.1');
    await page.getByLabel('Version before').selectOption('1.3.0');
    await page.waitForURL(/a=1\.3\.0/);
    await rows.nth(1).waitFor();
    expect(asked.at(-1)).toBe('?a=1.3.0');
    const links = rows.first().locator('a');
    const addressOf = async (index: number) => links.nth(index).getAttribute('href');
    expect(await addressOf(0)).toContain(`from=${NOW - 590_000}&to=${NOW - 310_000}`);
    expect(await addressOf(1)).toContain(`from=${NOW - 290_000}&to=${NOW}`);
    expect(await addressOf(1)).toContain('#/traces?service=gateway&method=GET&route=%2Forders%2F%3Aid');
  });

  it('compares two times by keyboard, the address keeps which', async () => {
    const page = await stage.open('#/versions?range=5m&live=0');
    // The services of the fixture have one version each.
    await page.getByRole('link', { name: 'Compare two times instead' }).press('Enter');
    await page.locator('.compared-routes tbody tr').first().waitFor();
    const compareWith = page.getByLabel('Compare with');
    await compareWith.focus();
    await compareWith.selectOption('day');
    await page.locator('.verdict', { hasText: 'Only after' }).first().waitFor();
    await compareWith.selectOption('chosen');
    await page.waitForURL(/against=\d+/);
    await page.locator('input[type=datetime-local]').last().fill('2026-01-02T03:04:05');
    await page.waitForURL((url) => url.hash.includes(`against=${Date.parse('2026-01-02T03:04:05')}`));
    await page.reload();
    expect(await page.locator('main input[type=datetime-local]').inputValue()).toContain(
      '2026-01-02T03:04:05',
    );
  });
});

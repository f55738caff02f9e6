import { type Page } from 'playwright-core';

import { createRandom } from '../../support/random.js';
import { becomesTrue, describeInChromium, slowness, tasksOf, useStage } from './chromium.js';
import { makeDataset } from './fixture/dataset.js';
import { longTrace } from './fixture/edge-traces.js';

const MINUTE = 60_000;
/**
 * Twice what browsers call a long task, of which these take about one on the machine of the limits. On a shared machine the work of others, which takes
 * its caches, slows such a task up to twice as much as the reference, which is small.
 */
const LIMIT_MS = 100;

describeInChromium('the page with very much to show', () => {
  const now = Date.now();
  const dataset = makeDataset({ now, logLines: 20_000 });
  const huge = dataset.add(longTrace(createRandom(3), now - 2 * MINUTE, 5_000)).summary.traceId;
  const stage = useStage({ dataset });

  /** Measures until one attempt of three is below the limit: the speed of a busy machine changes while it is measured. */
  const expectShort = async (
    measure: () => Promise<{ page: Page; tasks: readonly number[] }>,
  ): Promise<void> => {
    let best = Infinity;
    for (let attempt = 0; attempt < 3 && best >= LIMIT_MS; attempt += 1) {
      const { page, tasks } = await measure();
      const longest = tasks[0] ?? 0;
      const slower = await slowness(page);
      console.info(
        `${expect.getState().currentTestName}: ${longest.toFixed(0)} ms of CPU at most in a task, on a machine ${slower.toFixed(1)} times slower`,
      );
      expect(longest).toBeGreaterThan(0);
      best = Math.min(best, longest / slower);
      await page.context().close();
    }
    expect(best).toBeLessThan(LIMIT_MS);
  };

  it('opens a trace of 5,000 spans without blocking the page for long', async () => {
    await expectShort(async () => {
      const page = await stage.open('#/traces');
      await page.locator('.trace-row').first().waitFor();
      const tasks = await tasksOf(page, async () => {
        await page.evaluate(`location.hash = '#/trace/${huge}'`);
        await page.locator('.waterfall-row').first().waitFor();
        await page.locator('.span-panel').first().waitFor();
      });
      expect(await page.locator('#waterfall').getAttribute('aria-rowcount')).toBe('5000');
      return { page, tasks };
    });
  }, 120_000);

  it('shows 20,000 log lines with two columns without blocking the page for long', async () => {
    await expectShort(async () => {
      const page = await stage.open('#/health');
      const tasks = await tasksOf(page, async () => {
        await page.evaluate("location.hash = '#/logs?range=1h&live=0&column=shard&column=row'");
        await page.locator('.log-row').first().waitFor();
        await becomesTrue(
          page,
          `(() => { const list = document.querySelector('#logs'); list.scrollTop = list.scrollHeight; return Number(list.getAttribute('aria-rowcount')) >= 20000; })()`,
          30_000,
        );
      });
      return { page, tasks };
    });
  }, 180_000);

  it('shows 1,000 routes without blocking the page for long', async () => {
    await expectShort(async () => {
      const page = await stage.open('#/health');
      await page.route('**/api/v1/routes*', async (route) => {
        const routes = (await (await route.fetch()).json()) as readonly object[];
        await route.fulfill({
          json: Array.from({ length: 1_000 }, (_, index) => ({ ...routes[0], route: `/r/${index}` })),
        });
      });
      const tasks = await tasksOf(page, async () => {
        await page.evaluate("location.hash = '#/overview'");
        await page.locator('.routes tbody tr').first().waitFor();
        await page.locator('.routes .more-rows').waitFor();
      });
      return { page, tasks };
    });
  }, 120_000);
});

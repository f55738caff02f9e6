import { type Page } from 'playwright-core';

import { becomesTrue, describeInChromium, slowness, tasksOf, useStage } from './chromium.js';

/** Two frames at 60 Hz: what records the tasks takes time, too. */
const FRAME_MS = 33;
/** What browsers call a long task. */
const LONG_MS = 50;

describeInChromium('the page with much to show', () => {
  const stage = useStage();

  /** Does `step` in each of `count` frames; the main thread must have time left in a frame, whatever else the machine does. */
  const expectSmooth = async (page: Page, count: number, step: string): Promise<void> => {
    const before = await slowness(page);
    const tasks = await tasksOf(page, () =>
      page.evaluate(`(async () => {
        for (let at = 0; at < ${count}; at += 1) {
          ${step};
          await new Promise((resolve) => requestAnimationFrame(resolve));
        }
      })()`),
    );
    // The speed of a busy machine changes while it is measured.
    const slower = Math.max(before, await slowness(page));
    const perFrame = tasks.reduce((sum, ms) => sum + ms, 0) / count;
    console.info(
      `${expect.getState().currentTestName}: ${perFrame.toFixed(1)} ms of CPU a frame, ${tasks[0]?.toFixed(0)} ms at most in a task, on a machine ${slower.toFixed(1)} times slower`,
    );
    expect(perFrame).toBeGreaterThan(0);
    expect(perFrame).toBeLessThan(FRAME_MS * slower);
    expect(tasks[0]).toBeLessThan(LONG_MS * slower);
  };

  it('scrolls through 10,000 log lines without a hitch, with few of them in the document', async () => {
    const page = await stage.open('#/logs?range=1h&live=0');
    await page.locator('.log-row').first().waitFor();
    // Lines are loaded as one gets near them: once to the end, so that scrolling is measured and not loading.
    await becomesTrue(
      page,
      `(() => { const list = document.querySelector('#logs'); list.scrollTop = list.scrollHeight;
        return Number(list.getAttribute('aria-rowcount')) >= 10000; })()`,
      30_000,
    );
    await page.evaluate("document.querySelector('#logs').scrollTop = 0");
    await expectSmooth(page, 150, "document.querySelector('#logs').scrollTop += 700");
    expect(await page.locator('.log-row').count()).toBeLessThan(100);
  });

  it('scrolls through a trace of 1,000 spans without a hitch, with few of them in the document', async () => {
    const page = await stage.open(`#/trace/${stage.server.dataset.longTraceId}`);
    await page.locator('.waterfall-row').first().waitFor();
    expect(await page.locator('#waterfall').getAttribute('aria-rowcount')).toBe('1000');
    await expectSmooth(page, 120, "document.querySelector('#waterfall').scrollTop += 180");
    expect(await page.locator('.waterfall-row').count()).toBeLessThan(100);
  });

  it('moves along 1,000 spans with the arrow keys without a hitch', async () => {
    const page = await stage.open(`#/trace/${stage.server.dataset.longTraceId}`);
    await page.locator('#waterfall').focus();
    await expectSmooth(
      page,
      60,
      "document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowDown', bubbles: true }))",
    );
  });
});

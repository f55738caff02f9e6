import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';

import { type Page } from 'playwright-core';

import { describeInChromium, useStage } from './chromium.js';

const SCREENSHOTS = resolve(__dirname, '../../../.cache/screenshots');

describeInChromium('Copy as prompt', () => {
  const stage = useStage();
  const permissions = ['clipboard-read', 'clipboard-write'];

  /** Copies by keyboard, and returns what is on the clipboard. */
  async function copyIn(page: Page): Promise<string> {
    const button = page.getByRole('button', { name: 'Copy as prompt' });
    await button.waitFor();
    await button.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Copied' }).waitFor();
    return page.evaluate<string>('navigator.clipboard.readText()');
  }

  it('puts a trace on the clipboard as Markdown', async () => {
    const { summary } = stage.server.dataset.traces.find(({ summary: { errorCount } }) => errorCount > 0)!;
    const page = await stage.open(`#/trace/${summary.traceId}`, { permissions });
    await page.getByRole('button', { name: 'Copy as prompt' }).waitFor();
    mkdirSync(SCREENSHOTS, { recursive: true });
    await page.screenshot({ path: resolve(SCREENSHOTS, 'prompt-trace.png') });
    const text = await copyIn(page);
    expect(text).toMatch(/^# .+ failed: /);
    expect(text).toContain(summary.traceId);
    expect(text).toContain('## Spans');
  });

  it('puts an error on the clipboard, with a trace in which it happened', async () => {
    const page = await stage.open('#/errors?text=lock+timeout', { permissions });
    await page.getByRole('link', { name: 'DatabaseError' }).click();
    await page.getByRole('button', { name: 'Copy as prompt' }).waitFor();
    await page.screenshot({ path: resolve(SCREENSHOTS, 'prompt-error.png') });
    const text = await copyIn(page);
    expect(text).toMatch(/^# DatabaseError: .*lock timeout/);
    expect(text).toContain('StockRepository.reserve');
    expect(text).toMatch(/\n# POST \/orders failed/);
  });
});

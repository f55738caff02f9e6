import { becomesTrue, describeInChromium, useStage } from './chromium.js';

describeInChromium('the metrics of the page', () => {
  const stage = useStage();
  const legendHas = (...texts: readonly string[]): string =>
    `${JSON.stringify(texts)}.every((text) => document.querySelector('.metric .legend')?.innerText.includes(text))`;

  it('are one entry for each name, searched by name and description, and not by service', async () => {
    const page = await stage.open('#/metrics?live=0');
    const entries = page.locator('.instruments li');
    await entries.first().waitFor();
    const names = await page.locator('.instruments .code').allInnerTexts();
    expect(names).toEqual([...new Set(names)]);
    const both = entries.filter({ hasText: 'http.server.request.duration' });
    expect((await both.innerText()).replace(/\s+/g, ' ')).toContain('gateway, worker · histogram · seconds');
    await page.getByRole('searchbox').fill('gateway');
    await entries.first().waitFor({ state: 'detached' });
    await page.getByRole('searchbox').fill('went through');
    await entries.first().waitFor();
    expect(await entries.allInnerTexts()).toHaveLength(1);
  });

  it('have a line for each service, until one is chosen', async () => {
    const page = await stage.open('#/metrics?metric=http.server.request.duration&live=0');
    await becomesTrue(page, legendHas('gateway', 'worker'));
    expect(await page.locator('.metric .chart-title').innerText()).toBe('p95');
    await page.getByLabel('Service').selectOption('worker');
    await becomesTrue(page, legendHas('p50', 'p99'));
    expect(page.url()).toContain('service=worker');
  });

  it('say below the pointer between what a quantile lies that is read from wide buckets', async () => {
    const page = await stage.open('#/metrics?metric=http.server.request.duration&service=gateway&live=0');
    await becomesTrue(page, legendHas('p99'));
    await page.locator('.metric .u-over').hover();
    await becomesTrue(page, legendHas('(1 s to 2.5 s)'));
  });

  it('are drawn two on one chart, each with its own scale, from a list, and kept in the address', async () => {
    const page = await stage.open('#/metrics?metric=orders_processed_total&live=0');
    const second = page.getByLabel('Second metric');
    await second.selectOption('process.cpu.utilization');
    await becomesTrue(page, legendHas('process.cpu.utilization (right)'));
    expect(page.url()).toContain('with=process.cpu.utilization');
    await page.reload();
    await becomesTrue(page, legendHas('orders_processed_total', 'process.cpu.utilization (right)'));
    // Below the pointer each has its own unit.
    await page.locator('.metric .u-over').hover();
    await becomesTrue(page, legendHas('/s', '%'));
    expect(await page.locator('.metric .u-axis').count()).toBe(3);
    await second.selectOption('');
    await page.waitForURL((url) => !url.hash.includes('with='));
  });
});

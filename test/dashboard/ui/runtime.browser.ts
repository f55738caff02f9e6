import { describeInChromium, useStage } from './chromium.js';

describeInChromium('the runtime of a process on the page', () => {
  const stage = useStage();

  it('has one cursor over all charts, which keys and clicks move and the address keeps', async () => {
    const page = await stage.open('#/runtime?live=0');
    const cursor = page.getByRole('slider', { name: 'Cursor over all charts' });
    await cursor.focus();
    for (let step = 0; step < 10; step += 1) await page.keyboard.press('ArrowLeft');
    const at = Number(/at=(\d+)/.exec(page.url())![1]);
    const times = page.locator('.runtime-charts figcaption time');
    const shown = new Set(await times.allInnerTexts());
    expect(shown.size).toBe(1);
    expect([...shown][0]).not.toBe('');
    expect(await cursor.getAttribute('aria-valuetext')).toContain([...shown][0]);
    const values = await page.locator('.runtime-charts figcaption b').allInnerTexts();
    expect(values.length).toBeGreaterThan(8);
    expect(values).not.toContain('');
    await page
      .locator('.runtime-charts .u-over')
      .first()
      .click({ position: { x: 40, y: 40 } });
    await page.waitForURL((url) => Number(/at=(\d+)/.exec(url.href)?.[1]) < at);
  });

  it('is opened from a span, at its process and its moment', async () => {
    const { traces, spike } = stage.server.dataset;
    const { summary, spans } = traces.find(
      (trace) => trace.summary.start > spike[0] + 20_000 && trace.summary.start < spike[1] - 20_000,
    )!;
    const { spanId } = spans.find(({ service }) => service === 'gateway')!;
    const page = await stage.open(`#/trace/${summary.traceId}?span=${spanId}`);
    await page.getByRole('link', { name: 'The process at this moment' }).click();
    await page.locator('.runtime-charts canvas').first().waitFor();
    const url = new URLSearchParams(page.url().split('?')[1]);
    expect(url.get('traceId')).toBe(summary.traceId);
    expect(Number(url.get('at'))).toBeGreaterThanOrEqual(Math.floor(summary.start));
    expect(Number(url.get('until'))).toBeGreaterThan(Number(url.get('at')));
    await page.getByText('Cursor: ').waitFor();
    await page.getByText('longest 2.91 s').waitFor();
  });
});

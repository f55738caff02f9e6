import { becomesTrue, describeInChromium, useStage } from './chromium.js';

describeInChromium('the marks of restarts and versions', () => {
  const stage = useStage();

  it('are on the charts of the service they are about', async () => {
    const page = await stage.open('#/overview?live=0&open=gateway&open=worker&open=orchestrator');
    const marksOf = (service: string) => page.locator(`section[aria-label="${service}"] .start-mark`);
    await marksOf('gateway').first().waitFor();
    await marksOf('worker').first().waitFor();
    const label = (service: string) => marksOf(service).first().getAttribute('aria-label');
    // One for the duration, one for the requests.
    expect(await marksOf('gateway').count()).toBe(2);
    expect(await label('gateway')).toMatch(
      /^gateway 1\.4\.2 \(before: 1\.4\.1\) started at \d\d:\d\d:\d\d: compare before and after$/,
    );
    expect(await label('worker')).toMatch(/^3 restarts of worker \d\d:\d\d:\d\d to \d\d:\d\d:\d\d: compare/);
    expect(await marksOf('orchestrator').count()).toBe(0);
  });

  it.each([
    ['traces', '.scatter'],
    ['logs', '.time-chart'],
  ])('are on the chart of all services in %s, or of the one that is chosen', async (view, chart) => {
    const page = await stage.open(`#/${view}?live=0`);
    const marks = page.locator(`${chart} .start-mark`);
    await marks.first().waitFor();
    expect(await marks.count()).toBe(2);
    await page.evaluate(`location.hash = '#/${view}?live=0&service=worker'`);
    await becomesTrue(
      page,
      `document.querySelectorAll('${chart} .start-mark').length === 1 && !document.querySelector('.start-mark-change')`,
    );
  });

  it('are one tab stop, say what they are when they have the focus, and lead to the comparison', async () => {
    const page = await stage.open('#/traces?live=0');
    const marks = page.locator('.scatter .start-mark');
    await marks.nth(1).waitFor();
    expect(await marks.evaluateAll((all) => all.map((each) => (each as HTMLElement).tabIndex))).toEqual([
      0, -1,
    ]);
    await marks.first().focus();
    await page.keyboard.press('ArrowRight');
    expect(await page.locator('.start-marks .dot-tip').innerText()).toMatch(/^gateway 1\.4\.2/);
    await page.keyboard.press('Enter');
    await page.waitForURL(/#\/versions\?service=gateway&a=1\.4\.1&b=1\.4\.2/);
    await page.goBack();
    // A restart compares the time after it with the time before.
    await marks.first().click();
    await page.waitForURL(/#\/versions\?service=worker&by=time&from=\d+&to=\d+/);
  });
});

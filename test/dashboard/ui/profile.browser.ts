import { describeInChromium, useStage } from './chromium.js';

describeInChromium('CPU profiles on the page', () => {
  const stage = useStage();

  it('are recorded from the runtime, name what was busy, and lead from a span to its part', async () => {
    const page = await stage.open('#/runtime?live=0');
    await page.getByLabel('Seconds').fill('30');
    await page.getByRole('button', { name: 'Profile 30 s' }).click();
    const stop = page.getByRole('button', { name: 'Stop now' });
    await stop.waitFor();
    const { traceId } = stage.server.grow();
    await stop.click();
    const recorded = page.locator('section[aria-label="Profiles"] tbody a');
    await recorded.first().click();
    const busy = page.getByRole('treeitem', { name: /^burnForTheProfile/ });
    await busy.first().waitFor();
    expect(await page.getByRole('treeitem', { name: /^libraries/ }).count()).toBeGreaterThan(0);
    await page.getByRole('button', { name: 'Table' }).click();
    await page.getByRole('cell', { name: 'burnForTheProfile' }).waitFor();

    const { spanId } = stage.server.dataset.traces
      .find(({ summary }) => summary.traceId === traceId)!
      .spans.find(({ service }) => service === 'gateway')!;
    await page.goto(`${stage.server.url}/#/trace/${traceId}?span=${spanId}`);
    await page.getByRole('link', { name: 'CPU of this request' }).click();
    await page.getByText('ran at this time').waitFor();
    expect(page.url()).toContain(`traceId=${traceId}`);
  });

  it('show why none can be recorded, in place of the form', async () => {
    const page = await stage.open('');
    const reason = 'Profiles and heap snapshots are off.';
    await page.route('**/api/v1/profiles', async (route) => {
      const answer = (await (await route.fetch()).json()) as object;
      await route.fulfill({ json: { ...answer, refused: reason } });
    });
    await page.getByRole('link', { name: 'Runtime' }).click();
    await page.getByText(reason).waitFor();
    expect(await page.getByRole('button', { name: /^Profile/ }).count()).toBe(0);
  });

  it('are recorded only after a warning where it is the heap', async () => {
    const page = await stage.open('#/runtime?live=0');
    const take = page.getByRole('button', { name: /take the snapshot/ });
    await page.getByText('Heap snapshot').waitFor();
    expect(await take.isVisible()).toBe(false);
    await page.getByText('Heap snapshot').focus();
    await page.keyboard.press('Enter');
    await take.waitFor();
    await page.getByText('everything that is in memory').waitFor();
  });
});

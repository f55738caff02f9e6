import { type Page } from 'playwright-core';

import { eventually } from '../../support/eventually.js';
import { becomesTrue, describeInChromium, type Stage, startStage } from './chromium.js';
import { makeEmptyDataset } from './fixture/dataset.js';

describeInChromium('the page, when the application does not play along', () => {
  let stage: Stage | undefined;
  afterEach(async () => {
    await stage?.close();
    stage = undefined;
  });

  it('asks for the token, and keeps it out of the address', async () => {
    stage = await startStage({ token: 'let-me-in' });
    const page = await stage.open('#/health');
    await page.locator('.notice-token input').fill('let-me-in');
    await page.locator('.notice-token button').click();
    await page.locator('text=.telemetry/telemetry.db').waitFor();
    const linked = await stage.open('#token=let-me-in');
    await linked.locator('.service').first().waitFor();
    expect(linked.url()).not.toContain('let-me-in');
  });

  it('says once that the application is gone, keeps what was there, and goes on by itself', async () => {
    stage = await startStage();
    const page = await stage.open('#/overview?open=gateway&open=orchestrator');
    await page.locator('.service canvas').first().waitFor();
    await stage.server.close();
    const banner = page.locator('[role=alert]', { hasText: 'does not answer' });
    await banner.waitFor();
    expect(await page.locator('.notice-error').count()).toBe(1);
    await page.locator('.service canvas').nth(3).waitFor();
    await stage.server.reopen();
    await becomesTrue(page, "document.querySelector('.notice-error') === null", 15_000);
  });

  it('hides what the database behind it lacks, and asks again where it has no live feed', async () => {
    stage = await startStage({ features: { live: false, import: false, processMetrics: true } });
    const streams: string[] = [];
    const page = await stage.open('#/traces');
    page.on('request', (request) => {
      if (request.url().includes('/stream')) streams.push(request.url());
    });
    await page.locator('.trace-row').first().waitFor();
    expect(await page.locator('text=Import OTLP').count()).toBe(0);
    const { traceId } = stage.server.grow();
    await page.locator(`a[href*="${traceId}"]`).first().waitFor();
    expect(streams).toEqual([]);
  });

  it('opens a view that the application was not there for as soon as it is', async () => {
    stage = await startStage();
    const page = await stage.open('#/health');
    await page.locator('text=.telemetry/telemetry.db').waitFor();
    await stage.server.close();
    for (const [place, there] of [
      [`#/trace/${stage.server.dataset.longTraceId}`, '.waterfall-row'],
      ['#/logs', '.log-row'],
    ] as const) {
      await page.evaluate(`location.hash = '${place}'`);
      await page.locator('.notice-error').waitFor();
      await stage.server.reopen();
      await page.locator(there).first().waitFor({ timeout: 20_000 });
      await stage.server.close();
    }
  });

  it('says that a view cannot be loaded, and opens it as soon as it can', async () => {
    stage = await startStage();
    const page = await stage.open('#/health');
    await page.locator('text=.telemetry/telemetry.db').waitFor();
    // As after a deploy: the files of the page that is open have other names now.
    await page.route(/view-[A-Z0-9]+\.js/, (route) => route.fulfill({ status: 404 }));
    await page.goto(`${stage.server.url}/?opened-again#/health`);
    const notice = page.locator('[role=alert]', { hasText: 'The view “Health” could not be loaded' });
    await notice.waitFor();
    await notice.getByRole('button', { name: 'Reload the page' }).waitFor();
    await page.unroute(/view-[A-Z0-9]+\.js/);
    await page.locator('text=.telemetry/telemetry.db').waitFor();
    await page.evaluate("location.hash = '#/logs'");
    await page.locator('.log-row').first().waitFor();
  });

  it('shows what ended while the stream was cut off', async () => {
    stage = await startStage();
    const page = await stage.open('#/traces');
    await page.locator('.trace-row').first().waitFor();
    await stage.server.close();
    await page.locator('.notice-error').waitFor();
    const missed = stage.server.grow();
    await stage.server.reopen();
    await page.locator(`.trace-row a[href*="${missed.traceId}"]`).waitFor({ timeout: 20_000 });
  });

  it('follows one stream in all tabs, which leaves connections to the application free', async () => {
    stage = await startStage();
    const { server } = stage;
    const first = await stage.open('#/logs');
    await first.locator('.log-row').first().waitFor();
    const tabs = [first];
    for (const hash of ['#/logs', '#/traces', '#/logs', '#/traces', '#/logs', '#/traces', '#/logs']) {
      const tab = await first.context().newPage();
      await tab.goto(`${server.url}/${hash}`);
      await tab.locator('.log-row, .trace-row').first().waitFor({ timeout: 10_000 });
      tabs.push(tab);
    }
    await eventually('one stream', () => server.streams() === 1);
    const seenIn = (tab: Page, { traceId }: { readonly traceId: string }) =>
      tab.locator(`.log-row a[href*="${traceId}"], .trace-row a[href*="${traceId}"]`).first().waitFor();
    const one = server.grow();
    await Promise.all(tabs.map((tab) => seenIn(tab, one)));
    // The tab that reads the stream is closed, and the next one, which took over, is hidden.
    await first.close();
    await tabs[1]!.evaluate(`{
      Object.defineProperty(document, 'hidden', { value: true, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    }`);
    const others = tabs.slice(2);
    const two = server.grow();
    await Promise.all(others.map((tab) => seenIn(tab, two)));
    await eventually('one stream again', () => server.streams() === 1);
  }, 90_000);

  it('closes the stream while no tab is visible, and shows what it missed afterwards', async () => {
    stage = await startStage();
    const { server } = stage;
    const page = await stage.open('#/traces');
    await page.locator('.trace-row').first().waitFor();
    await eventually('the stream', () => server.streams() === 1);
    const setHidden = (hidden: boolean) =>
      page.evaluate(`{
        Object.defineProperty(document, 'hidden', { value: ${hidden}, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
      }`);
    await setHidden(true);
    await eventually('no stream', () => server.streams() === 0);
    const { traceId } = server.grow();
    await setHidden(false);
    await page.locator(`.trace-row a[href*="${traceId}"]`).waitFor();
  });

  it('asks again every few seconds where the browser has no locks', async () => {
    stage = await startStage();
    const page = await stage.open('#/health');
    await page.addInitScript("Object.defineProperty(Navigator.prototype, 'locks', { value: undefined })");
    await page.evaluate("location.hash = '#/traces'");
    await page.reload();
    await page.locator('.trace-row').first().waitFor();
    const { traceId } = stage.server.grow();
    await page.locator(`.trace-row a[href*="${traceId}"]`).waitFor();
    expect(stage.server.streams()).toBe(0);
  });

  it.each([
    ['overview', 'Send the application a request'],
    ['traces', 'Send the application a request'],
    ['logs', 'What the application logs'],
    ['metrics', 'Send it a request'],
  ])(
    'says in an empty %s what makes it fill',
    async (view, words) => {
      stage = await startStage({ dataset: makeEmptyDataset() });
      const page = await stage.open(`#/${view}`);
      await page.locator('.notice', { hasText: new RegExp(words, 'i') }).waitFor();
      expect(stage.complaints).toEqual([]);
    },
    60_000,
  );

  it('says that a trace is not kept, and leads back', async () => {
    stage = await startStage({ dataset: makeEmptyDataset() });
    const page = await stage.open(`#/trace/${'0'.repeat(31)}1`);
    await page.locator('.notice', { hasText: 'is stored' }).waitFor();
    await page.getByRole('link', { name: 'To the traces' }).click();
    await page.locator('.notice', { hasText: 'There are no traces' }).waitFor();
  });
});

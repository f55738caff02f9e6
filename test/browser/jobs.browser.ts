import { join } from 'node:path';

import { type Browser, type Locator, type Page } from 'playwright-core';

import { becomesTrue, describeInChromium, launchChromium } from '../dashboard/ui/chromium.js';
import { type RunningSampleSystem, startSampleSystem } from '../running-sample-system.mjs';
import { type Incident, sendIncident, sendRequest, type SentRequest } from './incident.mjs';

const MAX_CLICKS = 3;

describeInChromium('questions of an engineer on call, each from the overview', () => {
  let system: RunningSampleSystem | undefined;
  let browser: Browser | undefined;
  let page: Page;
  let incident: Incident;
  const ofGrace: SentRequest[] = [];
  let clicks = 0;
  /** How long each took, for the report. */
  const took: string[] = [];

  beforeAll(async () => {
    system = await startSampleSystem({ root: join(__dirname, '../..') });
    const { gateway, dashboard } = system.urls;
    incident = await sendIncident(gateway, { usual: 12 });
    await system.deploy('worker', '0.2.0');
    for (let sent = 0; sent < 4; sent += 1)
      ofGrace.push(await sendRequest(gateway, { text: 'how are you?', userId: 'grace' }));
    browser = await launchChromium();
    page = await browser.newPage({ viewport: { width: 1_400, height: 900 } });
    page.setDefaultTimeout(20_000);
    await page.goto(dashboard);
    await page.locator('.routes').waitFor();
  }, 200_000);
  afterAll(async () => {
    console.log(took.join('\n'));
    await browser?.close();
    await system?.stop();
  });

  /** Presses the mouse where an engineer would; each press counts. */
  const click = async (target: Locator): Promise<void> => {
    await target.click();
    clicks += 1;
  };
  const openView = (name: string): Promise<void> =>
    click(page.getByRole('navigation').getByRole('link', { name, exact: true }));
  const type = (label: RegExp, text: string): Promise<void> =>
    page.getByRole('searchbox', { name: label }).fill(text);
  const main = (): Locator => page.locator('main');

  function answers(question: string, find: () => Promise<void>): void {
    it(`${question} takes at most three clicks`, async () => {
      await page.goto(`${system!.urls.gateway}/telemetry#/overview`);
      await page.locator('.routes').waitFor();
      clicks = 0;
      const started = performance.now();
      await find();
      took.push(`${question}: ${clicks} clicks, ${((performance.now() - started) / 1_000).toFixed(1)} s`);
      expect(clicks).toBeLessThanOrEqual(MAX_CLICKS);
    });
  }

  answers('which error is new since the deployment, and of which version', async () => {
    await openView('Errors');
    await click(page.getByRole('link', { name: /UnsupportedTextError/ }));
    await main().getByText('a question has no summary').first().waitFor();
    await main().getByText('0.2.0').first().waitFor();
    await main().getByText('JobProcessor.transform').first().waitFor();
  });

  answers('what stands out', async () => {
    await click(page.locator('.findings').getByRole('link', { name: /UnsupportedTextError/ }));
    await main().getByText('a question has no summary').first().waitFor();
  });

  answers('which statement takes the most time over all requests', async () => {
    await openView('Operations');
    await click(page.getByRole('button', { name: 'Statements' }));
    const row = main().locator('tbody tr', { hasText: 'statement' }).first();
    expect(await row.innerText()).toMatch(/users|results/);
  });

  answers('why a request was slow', async () => {
    await openView('Traces');
    const { traceId } = incident.spike[0]!;
    await click(page.locator(`.trace-row a[href*="${traceId}"]`));
    await click(page.getByRole('link', { name: /^Why slow/ }));
    await page.locator('.kinds .worse').first().waitFor();
  });

  answers('what a failed job logged', async () => {
    await openView('Logs');
    await type(/messages/, 'transformed');
    await click(page.locator('.log-row', { hasText: 'failed' }).first());
    await page.getByLabel('Log line').getByText('the text cannot be transformed').first().waitFor();
  });

  answers('which requests user grace sent', async () => {
    await openView('Traces');
    await type(/names, attributes, logs/, 'user_id=grace');
    await click(page.getByRole('link', { name: 'Look for attribute or field user_id=grace' }));
    const ids = JSON.stringify(ofGrace.map(({ traceId }) => traceId));
    // Not how many: a search may show the first it finds before it has looked through all.
    await becomesTrue(
      page,
      `(() => {
        const rows = [...document.querySelectorAll('.trace-row a')].map((link) => link.getAttribute('href'));
        return rows.length > 0 && rows.every((href) => ${ids}.some((id) => href.includes(id)));
      })()`,
    );
  });

  answers('which trace a log line belongs to', async () => {
    await openView('Logs');
    await type(/messages/, 'LLM call failed');
    await click(page.locator('.log-row .log-trace a').first());
    await page.locator('.waterfall-row.active').waitFor();
  });

  answers('how a failed request differs from another one', async () => {
    await openView('Traces');
    await click(page.locator(`.trace-row a[href*="${incident.refused[0]!.traceId}"]`));
    await click(page.getByRole('link', { name: 'Compare', exact: true }));
    const choice = page.getByRole('combobox', { name: /Compare with/ });
    const other = choice.locator('option').nth(1);
    await other.waitFor({ state: 'attached' });
    await choice.selectOption(await other.getAttribute('value'));
    await page.locator('table.compare .only-one').first().waitFor();
  });

  answers('how often the own counter rose, by status', async () => {
    await openView('Metrics');
    await type(/instruments/, 'requests_total');
    await click(page.getByRole('link', { name: /requests_total/ }).first());
    await page.getByRole('combobox', { name: /group/i }).selectOption('status');
    await page.locator('.legend-entry', { hasText: '502' }).waitFor();
  });

  answers('whether telemetry was lost', async () => {
    await openView('Health');
    await main().getByText('Dropped').first().waitFor();
  });
});

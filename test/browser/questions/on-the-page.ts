import type { Hand } from './hand.js';
import type { Facts } from './prepare.js';

/** Each starts at the overview, and ends where the answer is to be seen. */
export const ON_THE_PAGE: Readonly<Record<string, (hand: Hand, facts: Facts) => Promise<void>>> = {
  'which error is new since the deployment': async ({ openView, click, page, main }) => {
    await openView('Errors');
    await click(page.getByRole('link', { name: /UnsupportedTextError/ }));
    await main.getByText('a question has no summary').first().waitFor();
    await main.getByText('JobProcessor.transform').first().waitFor();
  },

  'what stands out': async ({ click, page, main }) => {
    await click(page.locator('.findings').getByRole('link', { name: /UnsupportedTextError/ }));
    await main.getByText('a question has no summary').first().waitFor();
  },

  'which version broke it': async ({ click, page, main }) => {
    await click(page.locator('.findings').getByRole('link', { name: /UnsupportedTextError/ }));
    await main.getByText('0.2.0').first().waitFor();
  },

  'which statement takes the most time over all requests': async ({ openView, click, page, main }) => {
    await openView('Operations');
    await click(page.getByRole('button', { name: 'Statements' }));
    await main
      .locator('tbody tr')
      .filter({ hasText: /users|results/ })
      .first()
      .waitFor();
  },

  'which route became slower': async ({ click, page, main }) => {
    await click(page.locator('.routes').getByRole('link', { name: '/process' }).first());
    await main.getByRole('heading', { name: /POST \/process/ }).waitFor();
    await main.locator('.u-over').first().waitFor();
  },

  'what the processor did in one slow request': async ({ openView, click, page, main }, { busy }) => {
    await openView('Traces');
    await click(page.locator(`.trace-row a[href*="${busy.traceId}"]`));
    await click(page.getByRole('link', { name: 'CPU of this request' }));
    await main
      .getByText(/deriveKeys|pbkdf2Sync/)
      .first()
      .waitFor();
  },

  'what memory, garbage collection and event loop did at the spike': async (
    { openView, click, page, main },
    { busy },
  ) => {
    await openView('Traces');
    await click(page.locator(`.trace-row a[href*="${busy.traceId}"]`));
    await click(page.getByRole('link', { name: 'The process at this moment' }));
    for (const chart of ['Memory', 'Event loop delay', 'Time in garbage collection'])
      await main.getByText(chart, { exact: true }).first().waitFor();
  },

  'how a colleague gets the same view': async ({ openView, click, page }, { incident }) => {
    await openView('Traces');
    await click(page.locator(`.trace-row a[href*="${incident.spike[0]!.traceId}"]`));
    await click(page.getByRole('button', { name: /Copy link/ }));
    await page.getByRole('button', { name: /Copied/ }).waitFor();
  },

  'why a request was slow': async ({ openView, click, page }, { incident }) => {
    await openView('Traces');
    await click(page.locator(`.trace-row a[href*="${incident.spike[0]!.traceId}"]`));
    await click(page.getByRole('link', { name: /^Why slow/ }));
    await page.locator('.kinds .worse').first().waitFor();
  },

  'what calls what': async ({ openView, main }) => {
    await openView('Map');
    await main.getByRole('link', { name: 'gateway → orchestrator' }).waitFor();
  },

  'what a failed job logged': async ({ openView, type, click, page }) => {
    await openView('Logs');
    await type(/messages/, 'transformed');
    await click(page.locator('.log-row', { hasText: 'failed' }).first());
    await page.getByLabel('Log line').getByText('the text cannot be transformed').first().waitFor();
  },

  'which requests user grace sent': async ({ openView, type, click, page }, { ofGrace }) => {
    await openView('Traces');
    await type(/names, attributes, logs/, 'user_id=grace');
    await click(page.getByRole('link', { name: 'Look for attribute or field user_id=grace' }));
    const links = ofGrace.map(({ traceId }) => `:has(a[href*="${traceId}"])`);
    await page.locator(`.trace-row${links[0]!}`).waitFor();
    const others = page.locator(`.trace-row${links.map((link) => `:not(${link})`).join('')}`);
    await others.first().waitFor({ state: 'detached' });
  },

  'which request asks the database once for each row': async ({ openView, type, click, page }) => {
    await openView('Traces');
    await type(/names, attributes, logs/, 'GET /jobs');
    await click(page.locator('.trace-row', { hasText: 'GET /jobs' }).getByRole('link').first());
    await page.locator('.mark-repeated').first().waitFor();
    await click(page.getByRole('link', { name: /repeated queries/ }));
  },

  'which trace a log line belongs to': async ({ openView, type, click, page }) => {
    await openView('Logs');
    await type(/messages/, 'LLM call failed');
    await click(page.locator('.log-row .log-trace a').first());
    await page.locator('.waterfall-row.active').waitFor();
  },

  'how a failed request differs from another one': async ({ openView, click, page }, { incident }) => {
    await openView('Traces');
    await click(page.locator(`.trace-row a[href*="${incident.refused[0]!.traceId}"]`));
    // Beside the typical one of its route.
    await click(page.getByRole('link', { name: 'Compare', exact: true }));
    await page.locator('table.compare .only-one').first().waitFor();
  },

  'how often the own counter rose, by status': async ({ openView, type, click, choose, page }) => {
    await openView('Metrics');
    await type(/names and descriptions/, 'requests_total');
    await click(page.getByRole('link', { name: /requests_total/ }).first());
    await choose(page.getByRole('combobox', { name: /group/i }), 'status');
    await page.locator('.legend-entry', { hasText: '502' }).waitFor();
  },

  'whether telemetry is healthy': async ({ openView, main }) => {
    await openView('Health');
    await main.getByRole('columnheader', { name: 'Lost', exact: true }).waitFor();
  },

  'what was lost': async ({ openView, main }) => {
    await openView('Health');
    await main.getByRole('columnheader', { name: 'Lost', exact: true }).waitFor();
  },
};

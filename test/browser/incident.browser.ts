import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { type Browser, type Locator, type Page } from 'playwright-core';

import { describeInChromium, launchChromium } from '../dashboard/ui/chromium.js';
import { type RunningSampleSystem, startSampleSystem } from '../running-sample-system.mjs';
import { type Incident, sendIncident, type SentRequest } from './incident.mjs';

const root = join(__dirname, '../..');
/** Git-ignored; CI keeps what is in it. */
const screenshots = join(root, '.cache/screenshots');

describeInChromium('the way from a spike to the log line that explains it', () => {
  let system: RunningSampleSystem | undefined;
  let browser: Browser | undefined;
  let gateway: string;
  let page: Page;
  let incident: Incident;
  const complaints: string[] = [];

  beforeAll(async () => {
    mkdirSync(screenshots, { recursive: true });
    system = await startSampleSystem({ root });
    gateway = system.urls.gateway;
    browser = await launchChromium();
  }, 150_000);
  afterAll(async () => {
    await browser?.close();
    await system?.stop();
  });
  afterEach(() => {
    expect(complaints.splice(0)).toEqual([]);
  });

  const keep = async (name: string): Promise<void> => {
    await page.screenshot({ path: join(screenshots, `${name}.png`) });
  };
  const card = (service: string): Locator => page.locator(`section[aria-label="${service}"]`);
  /** Dots of some of these requests: not every request of a few seconds has one. */
  const dotsOf = (requests: readonly SentRequest[], kind = '.dot'): Locator =>
    card('api_gateway').locator(requests.map(({ traceId }) => `${kind}[href*="${traceId}"]`).join(', '));
  /** The line of a service, which opens its charts. */
  const open = (service: string): Locator => card(service).getByRole('button', { name: service });
  const openOverview = async (): Promise<void> => {
    await page.goto(`${gateway}/telemetry#/overview`);
    await open('api_gateway').waitFor();
  };
  /** Goes to where the line stands and presses the mouse there, as a hand would. */
  const click = async (target: Locator): Promise<void> => {
    await target.click();
    clicks += 1;
  };
  let clicks = 0;

  it('is printed by npm start', () => {
    const { port } = new URL(gateway);
    expect(system?.printed()).toMatch(
      new RegExp(`dashboard +http://(127\\.0\\.0\\.1|localhost):${port}/telemetry/#token=[\\w-]{32} `),
    );
  });

  it('shows a spike and errors on an open page within a minute, without a reload', async () => {
    page = await browser!.newPage({ viewport: { width: 1_400, height: 900 } });
    page.setDefaultTimeout(15_000);
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    // The address as it was printed; from here on a cookie stands for its token.
    await page.goto(system!.urls.dashboard);
    await page.locator('.routes').waitFor();
    await open('api_gateway').click();
    await keep('1-before');
    const started = performance.now();
    incident = await sendIncident(gateway);
    expect(incident.spike.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(incident.refused.map(({ status }) => status)).toEqual([502, 502]);
    const sent = performance.now();
    await dotsOf(incident.spike).first().waitFor({ timeout: 60_000 });
    await dotsOf(incident.refused, '.dot-error').first().waitFor({ timeout: 60_000 });
    const shown = performance.now();
    console.log(`the spike and the errors showed ${Math.round(shown - sent)} ms after the last request`);
    expect(shown - started).toBeLessThan(60_000);
    expect(await card('api_gateway').locator('.figures').innerText()).toMatch(/Errors\s+[1-9]/);
    for (const service of ['orchestrator', 'background_worker']) await card(service).waitFor();
    await keep('2-overview');
  }, 120_000);

  it('leads in three clicks from the service, by the dot of the spike, to the error log of the span that failed', async () => {
    await openOverview();
    clicks = 0;
    await click(open('api_gateway'));
    const slow = dotsOf(incident.spike).first();
    await slow.hover();
    await keep('3-dot-of-the-spike');
    await click(slow);
    await page.locator('.waterfall-row.active.failed').waitFor();
    await keep('4-trace-of-the-spike');
    // The span where the failure began is the one selected.
    const line = page.locator('.span-panel .log-line.level-error').first();
    expect(await line.innerText()).toMatch(/Job \S+ failed/);
    await click(line.locator('summary'));
    expect(await line.locator('pre.stack').innerText()).toContain('the text cannot be transformed');
    await keep('5-error-log-of-the-span');
    expect(await page.locator('.span-panel h2').innerText()).toContain('background_worker');
    expect(incident.spike.some(({ traceId }) => page.url().includes(traceId))).toBe(true);
    expect(clicks).toBe(3);
  });

  it('leads in three clicks from the service, by the dot of an error, to what was logged about it', async () => {
    await openOverview();
    clicks = 0;
    await click(open('api_gateway'));
    await click(dotsOf(incident.refused, '.dot-error').first());
    await page.locator('.waterfall-row.active.failed').waitFor();
    await keep('6-trace-of-an-error');
    const line = page.locator('.span-panel .log-line').first();
    expect(await line.innerText()).toContain('LLM call failed');
    await click(line.locator('summary'));
    expect(await line.innerText()).toContain('503 overloaded');
    await keep('7-log-of-an-error');
    expect(clicks).toBe(3);
  });

  it('copies the trace as OTLP JSON, and takes it in again from a file', async () => {
    const { traceId } = incident.spike[0]!;
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: gateway });
    await page.goto(`${gateway}/telemetry#/trace/${traceId}`);
    await page.getByRole('button', { name: 'Copy as OTLP' }).click();
    await page.getByRole('button', { name: 'Copied' }).waitFor();
    const copied = await page.evaluate<string>('navigator.clipboard.readText()');
    expect(Object.keys(JSON.parse(copied) as object)).toEqual(['resourceSpans', 'resourceLogs']);
    const spans = await page.locator('#waterfall').getAttribute('aria-rowcount');

    const file = (text: string) => ({
      name: 'trace.json',
      mimeType: 'application/json',
      buffer: Buffer.from(text),
    });
    await page.goto(`${gateway}/telemetry#/traces`);
    const input = page.locator('input[type=file]');
    await input.setInputFiles(file('{"resourceSpans": 7}'));
    await page.locator('[role=alert]', { hasText: 'The file could not be imported' }).waitFor();
    await keep('12-refused-import');
    complaints.splice(0);
    // As if it came from another system: nothing here has this id.
    const otherId = `feed${traceId.slice(4)}`;
    await input.setInputFiles(file(copied.replaceAll(traceId, otherId)));
    await page.waitForURL(new RegExp(`trace/${otherId}`));
    await page.locator('.waterfall-row.failed').first().waitFor();
    expect(await page.locator('#waterfall').getAttribute('aria-rowcount')).toBe(spans);
    await keep('13-imported-trace');
  });

  it('shows the same by way of logs, routes and metrics', async () => {
    await page.goto(`${gateway}/telemetry#/logs?level=error`);
    await page.locator('.log-row', { hasText: 'failed' }).first().waitFor();
    await keep('8-logs');
    await page.goto(`${gateway}/telemetry#/traces?min=1s`);
    await page.locator(`.trace-row a[href*="${incident.spike[0]!.traceId}"]`).waitFor();
    await keep('9-traces');
    await page.goto(`${gateway}/telemetry#/metrics`);
    await page.locator('main').getByText('requests_total').first().waitFor();
    await keep('10-metrics');
    await page.goto(`${gateway}/telemetry#/health`);
    await page.locator('main').getByText('telemetry.db').first().waitFor();
    await keep('11-health');
  });
});

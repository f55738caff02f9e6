import { join } from 'node:path';

import { type Browser, type Locator, type Page } from 'playwright-core';

import { describeWithAll } from '../backends/backend-processes.js';
import { ClickHouseServer } from '../backends/clickhouse-server.js';
import { CollectorServer } from '../backends/collector-server.js';
import { describeInChromium, launchChromium } from '../dashboard/ui/chromium.js';
import { type RunningSampleSystem, startSampleSystem } from '../running-sample-system.mjs';
import { eventually } from '../support/eventually.js';
import { ClickHousePage } from './clickhouse-page.js';
import { createHand } from './questions/hand.js';
import { ON_THE_PAGE } from './questions/on-the-page.js';
import { type Facts, prepareFacts } from './questions/prepare.js';

const MAX_CLICKS = 3;

/** Without sampling: the questions are about single requests. */
const EVERYTHING_INTO_CLICKHOUSE = `yaml:${JSON.stringify({
  service: {
    pipelines: {
      traces: { processors: ['memory_limiter', 'batch'], exporters: ['clickhouse'] },
      metrics: { exporters: ['clickhouse'] },
    },
  },
})}`;

/** About the process that serves the page, which here is none of the system. */
const OF_ITS_PROCESS: ReadonlySet<string> = new Set(['what the processor did in one slow request']);

describeInChromium('with a browser', () => {
  describeWithAll(['clickhouse', 'collector'], 'the page of a fleet, on a real ClickHouse', (paths) => {
    let server: ClickHouseServer | undefined;
    let collector: CollectorServer | undefined;
    let system: RunningSampleSystem | undefined;
    let served: ClickHousePage | undefined;
    let browser: Browser | undefined;
    let page: Page;
    let facts: Facts;

    beforeAll(async () => {
      server = await ClickHouseServer.start(paths.clickhouse, { tables: false });
      collector = await CollectorServer.start(paths.collector, {
        configs: ['collector.yaml', EVERYTHING_INTO_CLICKHOUSE],
        env: {
          BATCH_TIMEOUT: '200ms',
          // The front of the engine does not unpack what it gets.
          CLICKHOUSE_ENDPOINT: `${server.url}?compress=none`,
          CLICKHOUSE_USERNAME: server.username,
          CLICKHOUSE_PASSWORD: server.password,
          CLICKHOUSE_DATABASE: server.database,
        },
      });
      system = await startSampleSystem({
        root: join(__dirname, '../..'),
        env: {
          OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint('http/protobuf'),
          OTEL_BSP_SCHEDULE_DELAY: '500',
          OTEL_METRIC_EXPORT_INTERVAL: '2000',
        },
      });
      facts = await prepareFacts(system, (what, ask) => eventually(what, ask, 60_000));
      served = await ClickHousePage.start(server.url, server);
      const { address } = served;
      browser = await launchChromium();
      page = await browser.newPage({ viewport: { width: 1_400, height: 900 } });
      page.setDefaultTimeout(30_000);
      // The first questions to a new engine may take longer than the page waits for them.
      await eventually(
        'the overview',
        async () => {
          await page.goto(address);
          return page
            .locator('.routes')
            .waitFor()
            .then(
              () => true,
              () => false,
            );
        },
        180_000,
      );
    }, 400_000);
    afterAll(async () => {
      await browser?.close();
      await served?.stop();
      await system?.stop();
      await collector?.stop();
      await server?.stop();
    }, 60_000);

    const card = (service: string): Locator => page.locator(`section[aria-label="${service}"]`);

    it('leads in three clicks from the spike of a metric by its dot to the error log of the span that failed', async () => {
      await page.goto(`${served!.address}/#/overview`);
      const hand = createHand(page);
      await hand.click(card('api_gateway').getByRole('button', { name: 'api_gateway' }));
      const dots = facts.incident.spike.map(({ traceId }) => `.dot[href*="${traceId}"]`).join(', ');
      await hand.click(card('api_gateway').locator(dots).first());
      await page.locator('.waterfall-row.active.failed').waitFor();
      const line = page.locator('.span-panel .log-line.level-error').first();
      await hand.click(line.locator('summary'));
      expect(await line.locator('pre.stack').innerText()).toContain('the text cannot be transformed');
      expect(hand.clicks()).toBe(MAX_CLICKS);
    });

    it.each(Object.entries(ON_THE_PAGE).filter(([question]) => !OF_ITS_PROCESS.has(question)))(
      '%s takes at most three clicks',
      async (_question, find) => {
        await page.goto(`${served!.address}/#/overview`);
        await page.locator('.routes').waitFor();
        const hand = createHand(page);
        await find(hand, facts);
        expect(hand.clicks()).toBeLessThanOrEqual(MAX_CLICKS);
      },
    );
  });
});

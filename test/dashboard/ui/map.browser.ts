import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { type SpanAnswer } from '../../../lib/dashboard/reader/answers/traces.interface.js';
import { createRandom, type Random } from '../../support/random.js';
import { findBarriers } from './barriers.js';
import { describeInChromium, useStage } from './chromium.js';
import { type Dataset, makeEmptyDataset } from './fixture/dataset.js';

/** Git-ignored; where reviewers look. */
const screenshots = join(__dirname, '../../../.cache/screenshots/map');

/** Nodes that cover each other, labels that do, and labels on nodes. */
const OVERLAPS = `(() => {
  const boxes = [...document.querySelectorAll('.map-node, .map-label')].map((element) => ({
    element,
    box: element.getBoundingClientRect(),
  }));
  return boxes.flatMap((a, index) =>
    boxes.slice(index + 1)
      .filter((b) => a.box.left < b.box.right - 1 && b.box.left < a.box.right - 1
        && a.box.top < b.box.bottom - 1 && b.box.top < a.box.bottom - 1)
      .map((b) => a.element.textContent + ' / ' + b.element.textContent));
})()`;

/** A company of 40 services in five tiers that call each other, with databases, queues and hosts: 100 nodes in all. */
function makeCompany(): Dataset {
  const random = createRandom(5);
  const dataset = makeEmptyDataset();
  const tiers = [3, 8, 11, 10, 8].map((size, tier) =>
    Array.from(
      { length: size },
      (_, index) => `${['edge', 'api', 'domain', 'core', 'base'][tier]!}-service-${index + 1}`,
    ),
  );
  const start = Date.now() - 120_000;
  const targets = [
    ...Array.from({ length: 30 }, (_, index) => ({
      'db.system.name': 'postgresql',
      'db.namespace': `schema_${index}`,
    })),
    ...Array.from({ length: 18 }, (_, index) => ({ 'server.address': `api.partner-${index}.example` })),
  ];
  const queues = Array.from({ length: 12 }, (_, index) => ({
    'messaging.system.name': 'kafka',
    'messaging.destination.name': `events.topic-${index}`,
  }));
  tiers.flat().forEach((service, index) => {
    const tier = tiers.findIndex((each) => each.includes(service));
    const callees = [0, 1, 2].flatMap(() => (tier < 4 ? [random.pick(tiers[tier + 1]!)] : []));
    const calls = [
      ...callees.map((callee) => ({ callee, attributes: { 'server.address': callee } })),
      ...targets
        .filter((_, at) => at % 40 === index || (tier > 1 && random.chance(0.02)))
        .map((attributes) => ({ callee: undefined, attributes })),
    ];
    for (let times = 0; times < 3; times += 1)
      dataset.add(
        traceOf(random, start + index * 1_000 + times, service, calls, queues[index % queues.length]!),
      );
  });
  return dataset;
}

function traceOf(
  random: Random,
  start: number,
  service: string,
  calls: readonly { readonly callee: string | undefined; readonly attributes: SpanAnswer['attributes'] }[],
  queue: SpanAnswer['attributes'],
) {
  const traceId = random.hex(32);
  const spanOf = (more: Partial<SpanAnswer>): SpanAnswer => ({
    traceId,
    spanId: random.hex(16),
    parentSpanId: undefined,
    service,
    scope: 'test',
    name: 'GET /',
    kind: 'client',
    start,
    durationMs: 5 + random.next() * 100,
    status: random.chance(0.03) ? 'error' : 'unset',
    statusMessage: undefined,
    attributes: {},
    events: [],
    links: [],
    ...more,
  });
  const root = spanOf({ kind: service.startsWith('edge') ? 'server' : 'internal' });
  const spans = [root];
  for (const { callee, attributes } of calls) {
    const call = spanOf({ parentSpanId: root.spanId, attributes });
    spans.push(call);
    if (callee !== undefined)
      spans.push(spanOf({ kind: 'server', service: callee, parentSpanId: call.spanId }));
  }
  const isConsumer = random.chance(0.3);
  spans.push(
    spanOf({ parentSpanId: root.spanId, kind: isConsumer ? 'consumer' : 'producer', attributes: queue }),
  );
  return { traceId, spans, logs: [] };
}

describeInChromium('the map of 100 nodes', () => {
  const stage = useStage({ dataset: makeCompany() });

  it.each(['light', 'dark'] as const)(
    'can be read, and shows what belongs to a node: %s',
    async (colorScheme) => {
      mkdirSync(screenshots, { recursive: true });
      const page = await stage.open('#/map?range=1h&live=0', {
        colorScheme,
        viewport: { width: 1_280, height: 900 },
      });
      const nodes = page.locator('.map-node');
      await nodes.first().waitFor();
      // And one for what is outside.
      expect(await nodes.count()).toBe(101);
      await page.screenshot({ path: join(screenshots, `company-${colorScheme}.png`) });
      expect(await findBarriers(page)).toEqual([]);
      expect(await page.evaluate<string[]>(OVERLAPS)).toEqual([]);
      const rows = page.locator('.map-edges tbody tr');
      const all = await rows.count();
      const node = page.locator('.map-node-service').nth(5);
      await node.click();
      await page.getByRole('button', { name: 'Show all calls' }).waitFor();
      expect(await rows.count()).toBeLessThan(all);
      // Each of its edges is among those that stand out.
      expect(await page.locator('.map-edge.map-near').count()).toBe(await rows.count());
      await page.screenshot({ path: join(screenshots, `company-chosen-${colorScheme}.png`) });
    },
  );
});

describeInChromium('the map of a shop', () => {
  const stage = useStage();

  it('has a label on every edge, each of which leads to its traces', async () => {
    const page = await stage.open('#/map?live=0', { viewport: { width: 1_280, height: 900 } });
    await page.locator('.map-label').first().waitFor();
    await page.screenshot({ path: join(screenshots, 'shop.png') });
    expect(await page.locator('.map-label').count()).toBe(await page.locator('.map-edges tbody tr').count());
    expect(await page.evaluate<string[]>(OVERLAPS)).toEqual([]);
    await page.locator('.map-label[title^="orchestrator → shop"]').click();
    await page.locator('.trace-row').first().waitFor();
    expect(decodeURIComponent(page.url())).toContain(
      'spanService=orchestrator&where=db.system.name=postgresql',
    );
  });

  it('is walked by the arrow keys, and its calls lead by keyboard to their traces', async () => {
    const page = await stage.open('#/map?live=0');
    const focused = () => page.evaluate<string>(`document.activeElement.dataset.node ?? ''`);
    await page.locator('.map-node-service', { hasText: 'gateway' }).focus();
    await page.keyboard.press('ArrowRight');
    const next = await focused();
    expect(next).not.toBe('');
    expect(next).not.toBe('service:gateway');
    await page.keyboard.press('ArrowLeft');
    expect(await focused()).not.toBe(next);
    await page.locator('.map-node-service', { hasText: 'orchestrator' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Calls of orchestrator' }).waitFor();
    await page.locator('.map-edges tbody a').first().focus();
    await page.keyboard.press('Enter');
    await page.locator('.trace-row').first().waitFor();
  });
});

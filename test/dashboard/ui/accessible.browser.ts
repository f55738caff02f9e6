import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { type Page } from 'playwright-core';

import { findBarriers } from './barriers.js';
import { describeInChromium, type StageInUse, useStage } from './chromium.js';

/** Git-ignored; where reviewers look. */
const screenshots = join(__dirname, '../../../.cache/screenshots/views');

const WINDOWS = { wide: { width: 1_400, height: 900 }, narrow: { width: 420, height: 860 } };
const THEMES = ['light', 'dark'] as const;

interface View {
  readonly name: string;
  readonly hash: (stage: StageInUse) => string;
  /** What is there once the view is. */
  readonly there: string;
}

const traceOf = ({ server }: StageInUse, matches: (name: string, errors: number) => boolean): string =>
  server.dataset.traces.find(({ summary }) => matches(summary.name, summary.errorCount))!.summary.traceId;
const failedOrder = (stage: StageInUse): string =>
  traceOf(stage, (name, errors) => name === 'POST /orders' && errors > 1);

/** A profile that was recorded before the tests. */
let profileId = '';

const VIEWS: readonly View[] = [
  { name: 'overview', hash: () => '#/overview', there: '.routes tbody tr' },
  { name: 'overview-open', hash: () => '#/overview?open=gateway&unused=1', there: '.routes tr.never' },
  { name: 'before-and-after', hash: () => '#/versions?by=time&range=5m', there: '.compared-routes tbody tr' },
  {
    name: 'region',
    hash: ({ server: { dataset } }) =>
      `#/overview?selFrom=${dataset.spike[0]}&selTo=${dataset.spike[1]}&selService=gateway`,
    there: '.differences li',
  },
  {
    name: 'route',
    hash: () => '#/route?service=gateway&method=POST&route=%2Forders',
    there: '.samples li',
  },
  { name: 'traces', hash: () => '#/traces', there: '.trace-row' },
  { name: 'nothing-found', hash: () => '#/traces?text=nobody+said+this', there: '.notice .button' },
  { name: 'trace', hash: (stage) => `#/trace/${failedOrder(stage)}`, there: '.span-panel' },
  { name: 'trace-logs', hash: (stage) => `#/trace/${failedOrder(stage)}?tab=logs`, there: '.log-line' },
  { name: 'why-slow', hash: (stage) => `#/trace/${failedOrder(stage)}?tab=why`, there: '.kinds tr' },
  {
    name: 'thousand-spans',
    hash: ({ server }) => `#/trace/${server.dataset.longTraceId}`,
    there: '.waterfall-row',
  },
  {
    name: 'hostile',
    hash: ({ server }) => `#/trace/${server.dataset.hostileTraceId}`,
    there: '.waterfall-row',
  },
  {
    name: 'extreme',
    hash: ({ server }) => `#/trace/${server.dataset.extremeTraceId}`,
    there: '.waterfall-row',
  },
  {
    name: 'model-call',
    hash: ({ server }) => `#/trace/${server.dataset.modelTraceId}`,
    there: '.model-message',
  },
  {
    name: 'flame-graph',
    hash: ({ server }) => `#/trace/${server.dataset.longTraceId}?as=flame`,
    there: '.flame-frame',
  },
  {
    name: 'compare',
    hash: (stage) =>
      `#/compare/${failedOrder(stage)}/${traceOf(stage, (name, errors) => name === 'POST /orders' && errors === 0)}`,
    there: 'table.compare',
  },
  { name: 'logs', hash: () => '#/logs', there: '.log-row' },
  { name: 'log-columns', hash: () => '#/logs?column=shard&column=line', there: '.log-headings' },
  { name: 'log-patterns', hash: () => '#/logs?show=patterns&range=1h', there: '.log-pattern' },
  {
    name: 'log',
    hash: ({ server: { dataset } }) =>
      `#/logs?level=error&log=${dataset.logs.findLast(({ level, context }) => level === 'error' && context === 'StockRepository')!.id}`,
    there: 'pre.stack',
  },
  { name: 'errors', hash: () => '#/errors', there: '.errors tbody tr' },
  {
    name: 'error',
    hash: ({ server: { dataset } }) => {
      const spans = dataset.traces.flatMap((trace) => trace.spans);
      const { service } = spans.find(
        ({ events }) => events[0]?.attributes['exception.type'] === 'DatabaseError',
      )!;
      return `#/errors/${service}/DatabaseError`;
    },
    there: '.frames li',
  },
  { name: 'map', hash: () => '#/map', there: '.map-edges tbody tr' },
  { name: 'operations', hash: () => '#/operations', there: '.operations tbody tr' },
  { name: 'metrics', hash: () => '#/metrics', there: '.metric canvas' },
  {
    name: 'two-metrics',
    hash: () => '#/metrics?metric=orders_processed_total&with=process.memory.usage',
    there: '.metric canvas',
  },
  { name: 'runtime', hash: () => '#/runtime?live=0', there: '.runtime-charts canvas' },
  { name: 'profile', hash: () => `#/profile/${profileId}`, there: '.cpu .flame-frame' },
  { name: 'control', hash: () => '#/control', there: '.control-form' },
  { name: 'health', hash: () => '#/health', there: '.names li' },
];

describeInChromium('every view', () => {
  const stage = useStage();
  beforeAll(async () => {
    mkdirSync(screenshots, { recursive: true });
    const post = async (path: string, body: object): Promise<{ readonly id: string }> => {
      const init = { method: 'POST', body: JSON.stringify(body) };
      return (await fetch(`${stage.server.url}/api/v1/${path}`, init)).json() as Promise<{ id: string }>;
    };
    await post('profiles', { seconds: 30 });
    ({ id: profileId } = await post('profiles/stop', {}));
  });

  /** What sticks out of the window, and can neither be scrolled to nor ends in an ellipsis that is in sight. */
  const findOutside = (page: Page): Promise<string[]> =>
    page.evaluate<string[]>(`[...document.querySelectorAll('main *, header *')]
      .filter((element) => {
        const { right, width } = element.getBoundingClientRect();
        if (width === 0 || right <= innerWidth + 1 || element.closest('.scroll-x, .visually-hidden, .dots, .u-wrap')) return false;
        for (let at = element.parentElement; at; at = at.parentElement) {
          if (getComputedStyle(at).textOverflow === 'ellipsis' && at.getBoundingClientRect().right <= innerWidth) return false;
        }
        return true;
      })
      .map((element) => element.className || element.tagName)`);

  it.each(VIEWS.map((view) => [view.name, view] as const))(
    'can be read and operated by everybody, also in a narrow window: %s',
    async (name, { hash, there }) => {
      const page = await stage.open(hash(stage), { reducedMotion: 'reduce' });
      await page.locator(there).first().waitFor();
      for (const window of Object.keys(WINDOWS) as (keyof typeof WINDOWS)[]) {
        await page.setViewportSize(WINDOWS[window]);
        for (const colorScheme of THEMES) {
          await page.emulateMedia({ colorScheme });
          await page.waitForTimeout(200);
          await page.screenshot({ path: join(screenshots, `${name}-${colorScheme}-${window}.png`) });
          expect({ window, colorScheme, barriers: await findBarriers(page) }).toEqual({
            window,
            colorScheme,
            barriers: [],
          });
        }
      }
      expect(await findOutside(page)).toEqual([]);
    },
  );
});

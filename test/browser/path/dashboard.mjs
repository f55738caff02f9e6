// The way with links: from the highest dot of the overview to the trace to the error log of the span that failed.
import { chromium } from 'playwright-core';

import { startAsking } from './asked.mjs';

const SPIKE_MS = 1_000;
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'];

/** By the API: what the page asks, without the page. */
export async function askDashboard({ dashboard }) {
  const { origin, pathname, hash } = new URL(dashboard);
  const api = startAsking({ authorization: `Bearer ${hash.replace('#token=', '')}` });
  const page = `${origin}${pathname.replace(/\/$/, '')}`;
  const to = Date.now();
  const span = `from=${to - 15 * 60_000}&to=${to}`;
  const services = await api.get(`${page}/api/v1/services?${span}`);
  const slowest = services.find(({ p99 }) => p99 > SPIKE_MS);
  if (slowest === undefined) throw new Error('no service is slow');
  const overview = await api.get(`${page}/api/v1/overview?service=${slowest.name}&${span}&buckets=60`);
  const [highest] = [...overview.exemplars].sort((a, b) => b.value - a.value);
  const { spans, logs } = await api.get(`${page}/api/v1/traces/${highest.traceId}`);
  const found = errorLinesOf({ spans, logs });
  return {
    ...api.counted(),
    traceId: highest.traceId,
    traces: 1,
    lines: found.length,
    log: found[0]?.message ?? '',
  };
}

/** Error lines of the span where the failure began, or else of the nearest span around it that wrote some; as the page finds them. */
function errorLinesOf({ spans, logs }) {
  const failed = spans.filter(({ status }) => status === 'error');
  const parents = new Set(failed.map(({ parentSpanId }) => parentSpanId));
  let span = failed.find(({ spanId }) => !parents.has(spanId));
  while (span !== undefined) {
    const { spanId, parentSpanId } = span;
    const lines = logs.filter((log) => log.spanId === spanId && log.level === 'error');
    if (lines.length > 0) return lines;
    span = spans.find((each) => each.spanId === parentSpanId);
  }
  return [];
}

/** By hand, in a real browser: from opening the page until the stack of the error stands there. */
export async function clickThroughDashboard({ dashboard, chromium: executablePath }) {
  const browser = await chromium.launch({ executablePath, args: FLAGS });
  try {
    const page = await browser.newPage({ viewport: { width: 1_400, height: 900 } });
    const responses = [];
    page.on('response', (response) => {
      if (!response.url().includes('/stream')) responses.push(response);
    });
    const steps = [];
    const click = async (what, target) => {
      await target.click();
      steps.push(what);
    };
    const started = performance.now();
    await page.goto(dashboard);
    const dots = page.locator('section[aria-label="api_gateway"] .dot');
    await dots.first().waitFor();
    await click('Click the highest dot of the service that spikes.', await highestOf(dots));
    const failed = page.locator('.waterfall-row.active.failed');
    await failed.waitFor();
    await click('Click the span that failed (it is selected already).', failed);
    const line = page.locator('.span-panel .log-line.level-error').first();
    await click('Click its error line: message, fields and stack.', line.locator('summary'));
    await line.locator('pre.stack').waitFor();
    const ms = performance.now() - started;
    const lines = await page.locator('.span-panel .log-line').count();
    const log = await line.innerText();
    const [, traceId] = /trace\/([0-9a-f]{32})/.exec(page.url()) ?? [];
    const bodies = await Promise.all(
      responses.map((response) => response.body().catch(() => Buffer.alloc(0))),
    );
    const bytes = bodies.reduce((sum, body) => sum + body.length, 0);
    return { steps, requests: responses.length, bytes, ms, traceId, traces: 1, lines, log };
  } finally {
    await browser.close();
  }
}

/** Looked at in one go: the page may still move while its parts arrive. */
async function highestOf(dots) {
  const href = await dots.evaluateAll((all) => {
    const tops = all.map((dot) => Number.parseFloat(dot.style.top));
    return all[tops.indexOf(Math.min(...tops))].getAttribute('href');
  });
  return dots.page().locator(`section[aria-label="api_gateway"] .dot[href="${href}"]`);
}

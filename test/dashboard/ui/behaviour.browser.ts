import { type SpanAnswer } from '../../../lib/dashboard/reader/answers/traces.interface.js';
import { becomesTrue, describeInChromium, useStage } from './chromium.js';
import { HOSTILE } from './fixture/edge-traces.js';

describeInChromium('the page, while one works with it', () => {
  const stage = useStage({ path: '/internal/watch' });

  it('shows a trace that ends while one looks, unless it is paused', async () => {
    const page = await stage.open('#/traces');
    await page.locator('.live-on').waitFor();
    await page.locator('.trace-row').first().waitFor();
    const newest = stage.server.grow();
    await page.locator(`.trace-row a[href*="${newest.traceId}"]`).waitFor();
    await page.locator('button.live').click();
    await page.locator('button.live:not(.live-on)').waitFor();
    const unseen = stage.server.grow();
    await page.waitForTimeout(1_500);
    expect(await page.locator(`.trace-row a[href*="${unseen.traceId}"]`).count()).toBe(0);
  });

  it('adds log lines at the top as they are written, and leaves where one reads in place', async () => {
    const page = await stage.open('#/logs');
    await page.locator('.log-row').first().waitFor();
    await page.evaluate("document.querySelector('#logs').scrollTop = 2400");
    await page.waitForTimeout(100);
    const readAt = await page.locator('#logs-100').innerText();
    const before = Number(await page.locator('#logs').getAttribute('aria-rowcount'));
    stage.server.grow();
    await becomesTrue(
      page,
      `Number(document.querySelector('#logs').getAttribute('aria-rowcount')) > ${before}`,
    );
    const added = Number(await page.locator('#logs').getAttribute('aria-rowcount')) - before;
    expect(await page.locator(`#logs-${100 + added}`).innerText()).toBe(readAt);
    const top = await page.evaluate("document.querySelector('#logs').scrollTop");
    expect(top).toBe(2_400 + added * 24);
  });

  it.each([
    ['#/traces', 'the pointer', '.trace-row'],
    ['#/logs', 'the pointer', '.log-row'],
    ['#/logs', 'the focus', '.log-row'],
  ])('keeps every row of %s in place under %s, and says how many are new', async (hash, what, rows) => {
    const page = await stage.open(hash);
    const row = page.locator(rows).nth(3);
    await row.waitFor();
    if (what === 'the focus') await page.locator('#logs').focus();
    else await row.hover();
    const [before, id] = [await row.innerText(), await row.getAttribute('id')];
    for (let times = 0; times < 3; times += 1) stage.server.grow();
    const fresh = page.locator('.live-fresh');
    await fresh.waitFor();
    // The lists of traces and of lines are shown in bunches.
    await page.waitForTimeout(1_200);
    expect(await page.locator(`#${id!}`).innerText()).toBe(before);
    expect(Number((await fresh.innerText()).replace(' new', ''))).toBeGreaterThanOrEqual(3);
    await fresh.click();
    await fresh.waitFor({ state: 'detached' });
    expect(await page.locator(`#${id!}`).innerText()).not.toBe(before);
  });

  it('shows what is new by itself when the pointer has left the list', async () => {
    const page = await stage.open('#/traces');
    await page.locator('.trace-row').nth(3).hover();
    const { traceId } = stage.server.grow();
    await page.locator('.live-fresh').waitFor();
    await page.mouse.move(2, 2);
    await page.locator(`.trace-row a[href*="${traceId}"]`).waitFor();
    expect(await page.locator('.live-fresh').count()).toBe(0);
  });

  it('names what runs and for how long, and says of a trace without its root that this is a part', async () => {
    const { server } = stage;
    const start = Date.now() - 3_200;
    const traceId = 'ab'.repeat(16);
    server.running.push({
      traceId,
      spanId: 'cd'.repeat(8),
      name: 'POST /slow',
      service: 'gateway',
      start,
      elapsedMs: 3_200,
    });
    const { summary } = server.dataset.traces.at(-1)!;
    const { summary: ended } = server.dataset.traces.at(-2)!;
    Object.assign(summary, { state: 'running', status: undefined, name: 'GET /still', durationMs: 1_500 });
    Object.assign(ended, { state: 'partial', status: undefined, name: 'validate' });
    const page = await stage.open('#/traces');
    await page.locator('.running summary', { hasText: '1 running' }).click();
    expect((await page.locator('.running li').innerText()).replace(/\s+/g, ' ').trim()).toBe(
      'POST /slow gateway 3.2 s',
    );
    const rowOf = (id: string) => page.locator('.trace-row', { has: page.locator(`a[href*="${id}"]`) });
    expect((await rowOf(summary.traceId).innerText()).split('\n')).toEqual(
      expect.arrayContaining(['running', 'GET /still', '1.5 s…']),
    );
    expect(await rowOf(ended.traceId).innerText()).toMatch(/partial[^]*validate[^]*root not received/);
    server.running.length = 0;
  });

  it('shows the part of a trace that another process stores after the trace was opened', async () => {
    const { server } = stage;
    const { traceId, spanCount } = server.grow();
    const spans = server.dataset.traces.find(({ summary }) => summary.traceId === traceId)!
      .spans as SpanAnswer[];
    const late = spans.splice(1);
    const page = await stage.open(`#/trace/${traceId}`);
    const rows = page.locator('.waterfall-row');
    await rows.first().waitFor();
    expect(await rows.count()).toBe(1);
    spans.push(...late);
    await becomesTrue(page, `document.querySelectorAll('.waterfall-row').length === ${spanCount}`);
  });

  it('shows hostile names, attributes and logs as the text they are', async () => {
    const { hostileTraceId } = stage.server.dataset;
    const places = [
      '#/overview',
      '#/traces',
      `#/trace/${hostileTraceId}`,
      `#/trace/${hostileTraceId}?tab=logs`,
      `#/trace/${hostileTraceId}?tab=why`,
      `#/compare/${hostileTraceId}/${hostileTraceId}`,
      '#/errors',
      '#/map',
      '#/operations',
      '#/logs?level=error',
      `#/logs?text=${encodeURIComponent(HOSTILE[0])}`,
      `#/traces?attribute=${encodeURIComponent(`${HOSTILE[1]}:${HOSTILE[1]}`)}`,
      `#/${encodeURIComponent(HOSTILE[0])}`,
    ];
    for (const place of places) {
      const page = await stage.open(place);
      await page.waitForTimeout(400);
      const state = await page.evaluate(`({
        hit: window.__hit,
        injected: document.querySelectorAll('main img, main script, main svg:not(.minimap, .count-bars, .sparkline, .map-lines, .map-sign), main style, main iframe').length,
        addresses: [...document.querySelectorAll('[href],[src]')].map((each) => each.getAttribute('href') ?? each.getAttribute('src'))
          .filter((each) => !/^(#|licenses\\.txt|vscode:|data:,|page-|style-|chunk-\\w+\\.js$)/.test(each)),
      })`);
      expect({ place, state }).toEqual({ place, state: { hit: undefined, injected: 0, addresses: [] } });
      await page.context().close();
    }
    const page = await stage.open(`#/trace/${hostileTraceId}`);
    await page.locator('.waterfall-row').first().waitFor();
    expect(await page.locator('.trace-header h1').innerText()).toContain(HOSTILE[0]);
  });

  it('follows the theme of the system, and the reader when they choose', async () => {
    const page = await stage.open('#/health', { colorScheme: 'dark' });
    const theme = (): Promise<string> => page.evaluate<string>('document.documentElement.dataset.theme');
    expect(await theme()).toBe('dark');
    await page.getByRole('button', { name: 'Use the light theme' }).click();
    expect(await theme()).toBe('light');
    await page.reload();
    expect(await theme()).toBe('light');
  });

  it('starts in a browser that has no language', async () => {
    const page = await stage.open('#/health');
    await page.addInitScript(
      "Object.defineProperty(Navigator.prototype, 'language', { get: () => 'en-US@posix', configurable: true })",
    );
    await page.reload();
    await page.locator('text=.telemetry/telemetry.db').waitFor();
  });

  it('puts a trace on the clipboard as OTLP JSON, and says so', async () => {
    const { summary } = stage.server.dataset.traces[0]!;
    const page = await stage.open(`#/trace/${summary.traceId}`, {
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    await page.getByRole('button', { name: 'Copy as OTLP' }).click();
    await page.getByRole('button', { name: 'Copied' }).waitFor();
    expect(await page.evaluate<string>('navigator.clipboard.readText()')).toContain(summary.traceId);
  });

  it('puts the request of a trace on the clipboard as a curl command', async () => {
    const { summary } = stage.server.dataset.traces.find(({ summary: { name } }) => name === 'POST /orders')!;
    const page = await stage.open(`#/trace/${summary.traceId}`, {
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    await page.getByRole('button', { name: 'Copy as curl' }).click();
    await page.getByRole('button', { name: 'Copied' }).waitFor();
    const command = await page.evaluate<string>('navigator.clipboard.readText()');
    expect(command).toBe("curl -X POST 'http://localhost:3000/orders'");
    // Of a route, above its traces.
    await page.goto(`${stage.server.url}/#/traces?service=gateway&method=GET&route=/never/:id`);
    await page.getByRole('button', { name: 'Copy as curl' }).click();
    await page.getByRole('button', { name: 'Copied' }).waitFor();
    expect(await page.evaluate<string>('navigator.clipboard.readText()')).toBe(
      "curl 'http://localhost:3000/never/:id'",
    );
  });

  it('copies a link whose time span does not move, and takes one between two instants', async () => {
    const page = await stage.open('#/traces?service=gateway', {
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    await page.getByRole('button', { name: 'Copy link' }).click();
    await page.getByRole('button', { name: 'Copied' }).waitFor();
    const link = new URL((await page.evaluate<string>('navigator.clipboard.readText()')).replace('#', ''));
    const [from, to] = ['from', 'to'].map((name) => Number(link.searchParams.get(name)));
    expect([link.searchParams.get('service'), link.searchParams.get('range')]).toEqual(['gateway', null]);
    expect(Math.abs(Date.now() - to!)).toBeLessThan(60_000);
    expect(to! - from!).toBeGreaterThan(60_000);
    await page.getByText('From … to').click();
    await page.getByLabel('From', { exact: true }).fill('2026-01-02T03:04:05');
    await page.getByLabel('To', { exact: true }).fill('2026-01-02T04:00:00');
    await page.getByRole('button', { name: 'Show' }).click();
    await page.locator('.range-fixed', { hasText: '03:04:05 – 04:00:00' }).waitFor();
  });

  it('downloads a trace as a file of OTLP JSON, and offers to import one beside the list only', async () => {
    const { summary } = stage.server.dataset.traces[0]!;
    const page = await stage.open(`#/trace/${summary.traceId}`);
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download OTLP' }).click(),
    ]);
    expect(download.suggestedFilename()).toBe(`trace-${summary.traceId}.json`);
    const chunks: Buffer[] = [];
    for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).toString()).toContain(summary.traceId);
    expect(await page.getByRole('button', { name: 'Import OTLP' }).count()).toBe(0);
  });

  it('says when the clipboard may not be written to', async () => {
    const page = await stage.open(`#/trace/${stage.server.dataset.traces[0]!.summary.traceId}`);
    await page.evaluate("navigator.clipboard.writeText = () => Promise.reject(new Error('forbidden'))");
    await page.getByRole('button', { name: 'Copy as OTLP' }).click();
    await page.getByRole('button', { name: 'Not copied' }).waitFor();
  });

  it('imports the OTLP JSON it is given and opens the trace', async () => {
    const { traces } = stage.server.dataset;
    const page = await stage.open('#/traces');
    const spans = traces[0]!.spans;
    await page
      .locator('input[type=file]')
      .first()
      .setInputFiles({
        name: 'trace.json',
        mimeType: 'application/json',
        buffer: Buffer.from(JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] })),
      });
    await page.waitForURL(/trace\/abcdef0123456789/);
    await page.locator('.waterfall-row').first().waitFor();
    expect(await page.locator('.waterfall-row').count()).toBe(spans.length);
  });
});

import { type Page } from 'playwright-core';

import { becomesTrue, describeInChromium, useStage } from './chromium.js';

describeInChromium('the page', () => {
  const stage = useStage();

  const textOf = (page: Page, selector: string): Promise<string> =>
    page.locator(selector).first().innerText();

  it('shows rate, errors, percentiles and charts of every service', async () => {
    const page = await stage.open('#/overview?open=gateway');
    await page.locator('.service canvas').first().waitFor();
    expect(await page.locator('.service h2').allInnerTexts()).toEqual(
      expect.arrayContaining(['gateway', 'orchestrator', 'worker']),
    );
    const figures = await textOf(page, 'section[aria-label="gateway"] .figures');
    for (const name of ['Rate', 'Errors', 'p50', 'p95', 'p99']) expect(figures).toContain(name);
  });

  it('shows failed work and error lines beside the share of failed requests, and leads to them', async () => {
    const page = await stage.open('#/overview?open=worker');
    const card = page.locator('.service[aria-label="worker"]');
    await card.locator('canvas').first().waitFor();
    expect(await card.locator('header').innerText()).toMatch(/failed work\s+249/i);
    expect(await card.locator('.legend').last().innerText()).toContain('failed work');
    expect(await page.locator('.service[aria-label="gateway"] header').innerText()).not.toMatch(
      /failed work/i,
    );
    await card.getByText('251').click();
    expect(page.url()).toContain('#/logs?service=worker&level=error');
    await page.goBack();
    await card.getByText('249').click();
    expect(page.url()).toContain('#/traces?service=worker&status=error');
  });

  it('lists every route with its handler, also those without calls', async () => {
    const page = await stage.open('#/overview');
    await page.locator('.routes tbody tr').first().waitFor();
    const called = await page.locator('.routes tbody tr').count();
    expect(called).toBeGreaterThan(3);
    const row = page.locator('.routes tr', { hasText: 'AdminController.report' });
    expect(await row.count()).toBe(0);
    await page.getByRole('button', { name: '3 routes without requests' }).click();
    expect(await row.innerText()).toContain('/admin/report');
    expect(await page.locator('.routes tbody tr').count()).toBe(called + 3);
    expect(page.url()).toContain('unused=1');
  });

  it('leads in three clicks from the dot of a spike to the error log of the failing span', async () => {
    const page = await stage.open('#/overview?open=gateway');
    await page.locator('section[aria-label="gateway"]').locator('.dot-error').last().click();
    await page.locator('.waterfall-row.active.failed').waitFor();
    expect(await textOf(page, '.span-panel h2')).toContain('UPDATE shop');
    const line = page.locator('.span-panel .log-line.level-error').first();
    expect(await line.innerText()).toContain('Stock could not be reserved');
    await line.click();
    expect(await textOf(page, '.span-panel .log-line pre.stack')).toContain('StockRepository.reserve');
  });

  it('draws the spans of a trace as a flame graph, by keys and as a table', async () => {
    const page = await stage.open(`#/trace/${stage.server.dataset.longTraceId}`);
    await page.getByRole('button', { name: 'Flame graph' }).click();
    const graph = page.getByRole('tree', { name: 'Frames of the trace' });
    await graph.getByRole('treeitem', { name: /^POST \/imports, gateway/ }).waitFor();
    await graph.focus();
    for (let depth = 0; depth < 4; depth += 1) await page.keyboard.press('ArrowUp');
    await page.keyboard.press('ArrowDown');
    await page.locator('.flame-frame.active', { hasText: 'ImportService.batch ×' }).waitFor();
    expect(await textOf(page, '.span-panel h2')).toContain('ImportService.batch');
    await page.keyboard.press('Enter');
    await becomesTrue(page, "!document.querySelector('.flame').textContent.includes('POST /imports')");
    await page.keyboard.press('z');
    await graph.getByRole('treeitem', { name: /^POST \/imports, gateway/ }).waitFor();
    await page.getByRole('button', { name: 'Table', exact: true }).click();
    await page.locator('.flame-table tbody tr', { hasText: 'INSERT shop' }).waitFor();
    expect(page.url()).toContain('as=flame');
    await page.getByRole('button', { name: 'Waterfall' }).click();
    await page.locator('.waterfall-row').first().waitFor();
  });

  it('zooms the waterfall to a stretch of time of the minimap, and back', async () => {
    const page = await stage.open(`#/trace/${stage.server.dataset.longTraceId}`);
    const map = page.getByRole('img', { name: 'Minimap: the whole trace is shown' });
    await map.waitFor();
    const box = (await map.boundingBox())!;
    const y = box.y + box.height / 2;
    await page.mouse.move(box.x + box.width * 0.25, y);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.75, y);
    await page.mouse.up();
    await page.getByRole('img', { name: /^Minimap: .* of .* are shown/ }).waitFor();
    await page.getByRole('button', { name: 'Whole trace' }).click();
    await map.waitFor();
  });

  it('draws a span of another clock within its call with a mark, and shows model, tokens and messages', async () => {
    const page = await stage.open(`#/trace/${stage.server.dataset.modelTraceId}`);
    await page.locator('.span-panel', { hasText: 'Where is my parcel?' }).waitFor();
    const panel = await textOf(page, '.span-panel');
    for (const text of ['gpt-5 → gpt-5-2026-08-01', '1,234', 'In Lyon, since this morning.'])
      expect(panel).toContain(text);
    expect(await page.locator('.mark-shifted').count()).toBe(1);
    await page.locator('.waterfall-row', { has: page.locator('.mark-shifted') }).click();
    await page.locator('.span-panel', { hasText: 'The clock of orchestrator differs' }).waitFor();
    await page.locator('.waterfall-row', { hasText: 'send receipt' }).click();
    await page.locator('.span-panel', { hasText: 'after its parent, which did not wait' }).waitFor();
  });

  it('finds traces by service, status, duration, attribute and text', async () => {
    const page = await stage.open(
      '#/traces?service=gateway&status=error&min=500ms&attribute=shop.region:eu-2',
    );
    await page.locator('.trace-row').first().waitFor();
    const rows = await page.locator('.trace-row').allInnerTexts();
    expect(rows.every((row) => row.includes('POST /orders') && row.includes('500'))).toBe(true);
    await page.locator('input[type=search]').fill('no such words anywhere');
    await page.locator('.notice', { hasText: 'No traces match' }).waitFor();
    expect(page.url()).toContain('text=no+such+words');
  });

  it('takes conditions with operators, suggests keys and values, and says what it does not understand', async () => {
    const page = await stage.open('#/traces?live=0');
    const field = page.locator('.field-attribute');
    await field.fill('user_id');
    await field.press('Enter');
    await page.locator('.condition-wrong', { hasText: 'Not understood: write name = value' }).waitFor();
    expect(await field.inputValue()).toBe('user_id');
    await field.fill('http.response.status_code');
    await page
      .locator('datalist option[value="http.response.status_code = "]')
      .waitFor({ state: 'attached' });
    await field.fill('http.response.status_code >= ');
    await page
      .locator('datalist option[value="http.response.status_code >= 200"]')
      .waitFor({ state: 'attached' });
    await field.fill('http.response.status_code >= 500');
    await field.press('Enter');
    expect(new URL(page.url().replace('#', '')).searchParams.getAll('where')).toEqual([
      'http.response.status_code>=500',
    ]);
    await page.locator('.chips', { hasText: 'http.response.status_code>=500' }).waitFor();
    await becomesTrue(
      page,
      "[...document.querySelectorAll('.trace-row .status')].every(({ textContent }) => textContent === '500')",
    );
    await page.evaluate("location.hash = '#/logs?live=0&where=sku~1834'");
    await page.locator('.log-row', { hasText: 'SKU-1834' }).first().waitFor();
  });

  it('leads from a search for a name and its value to the condition that finds it', async () => {
    const page = await stage.open(`#/traces?live=0&text=${encodeURIComponent('shop.region=eu-2')}`);
    await page.locator('.notice', { hasText: 'No traces match' }).waitFor();
    await page.getByRole('link', { name: 'Look for attribute or field shop.region=eu-2' }).click();
    await page.locator('.trace-row').first().waitFor();
    expect(new URL(page.url().replace('#', '')).search).not.toContain('text=');
    expect(await page.locator('.chips li span').allInnerTexts()).toEqual(['shop.region=eu-2']);
  });

  it('shows a filter with a colon in its value as it is written, and takes off only that filter', async () => {
    const filters = 'where=url.full~http://a&where=sku+exists&attribute=sku:SKU-1&traceId=4bf9';
    const page = await stage.open(`#/logs?live=0&${filters}`);
    const chips = page.locator('.chips li span');
    await chips.first().waitFor();
    expect(await chips.allInnerTexts()).toEqual([
      'traceId = 4bf9',
      'sku = SKU-1',
      'url.full~http://a',
      'sku exists',
    ]);
    await page.getByRole('button', { name: 'Remove url.full~http://a' }).click();
    await page.getByRole('button', { name: 'Remove traceId:4bf9' }).click();
    await becomesTrue(page, "document.querySelectorAll('.chips li').length === 2");
    expect(await chips.allInnerTexts()).toEqual(['sku = SKU-1', 'sku exists']);
  });

  it('says how many of all lines and traces are there, and of which time the plot is', async () => {
    const page = await stage.open('#/logs?range=24h&live=0');
    await page.locator('.log-row').first().waitFor();
    expect(await textOf(page, '.search-end')).toMatch(/^newest [\d,]+ of 1\d,\d{3} lines$/);
    await page.evaluate("location.hash = '#/traces?live=0'");
    await page.locator('.trace-row').first().waitFor();
    await page.locator('.search-end', { hasText: /^[\d,]+ traces/ }).waitFor();
    expect(await textOf(page, '.scatter figcaption')).toMatch(/\d\d:\d\d:\d\d – \d\d:\d\d:\d\d/);
  });

  it('opens a trace from a dot of the scatter plot, and comes back', async () => {
    const page = await stage.open('#/traces?status=error&min=500ms');
    const plot = page.locator('.scatter .u-over');
    await plot.waitFor();
    const { summary } = stage.server.dataset.traces.findLast(
      (trace) =>
        trace.summary.name === 'POST /orders' &&
        trace.summary.errorCount > 0 &&
        trace.summary.durationMs >= 500,
    )!;
    const box = (await plot.boundingBox())!;
    const x = box.x + box.width * (1 - (Date.now() - summary.start) / 900_000);
    // Somewhere above its time lies the dot: go up until the caption names one.
    for (let y = box.y + box.height - 2; y > box.y; y -= 6) {
      await page.mouse.move(x, y);
      if ((await textOf(page, '.scatter figcaption')).includes('POST /orders')) {
        await page.mouse.click(x, y);
        break;
      }
    }
    await page.locator('.waterfall-row').first().waitFor();
    await page.goBack();
    await page.locator('.trace-row').first().waitFor();
    expect(page.url()).toContain('status=error');
  });

  it('names each dot with its time, and says what the dots are', async () => {
    const page = await stage.open('#/overview?live=0&open=gateway');
    const card = page.locator('section[aria-label="gateway"]');
    await card.locator('.dot-error').first().waitFor();
    // The slowest of each bucket stays where some failed: the dots of the fixture have one kind a bucket.
    expect(await card.locator('.dot-error').first().getAttribute('aria-label')).toMatch(
      /^Failed .+, [\d.]+ m?s at \d\d:\d\d:\d\d( and \d+ near it)?: open its trace$/,
    );
    expect(await textOf(page, 'section[aria-label="gateway"] .legend')).toMatch(/slow\s+failed/);
  });

  it('says what a region dragged over a chart has in common', async () => {
    // The range stands still, however long the stage has been there.
    const to = stage.server.dataset.spike[1] + 4 * 60_000;
    const page = await stage.open(`#/overview?open=gateway&from=${to - 15 * 60_000}&to=${to}`);
    const box = (await page
      .locator('section[aria-label="gateway"]')
      .locator('.u-over')
      .first()
      .boundingBox())!;
    // The spike lasts from minute 10 to 11 of the 15 that are shown.
    await page.mouse.move(box.x + box.width * (9.9 / 15), box.y + 60);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * (11.1 / 15), box.y + 70, { steps: 8 });
    await page.mouse.up();
    await page.locator('.differences li').first().waitFor();
    expect(await textOf(page, '.differences li')).toContain('shop.region = eu-2');
    await page.keyboard.press('Escape');
    await page.locator('.selection').waitFor({ state: 'detached' });
  });

  it('selects a region, too, when the drag begins on a dot', async () => {
    const page = await stage.open('#/overview?live=0&open=gateway');
    const dot = page.locator('section[aria-label="gateway"] .dot-error').first();
    await dot.waitFor();
    const box = (await dot.boundingBox())!;
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await page.mouse.down();
    await page.mouse.move(box.x - 60, box.y + 10, { steps: 8 });
    await page.mouse.up();
    await page.locator('.selection').waitFor();
    expect(page.url()).toContain('#/overview');
  });

  it('says why a trace was slow, and marks queries that were repeated', async () => {
    const loops = stage.server.dataset.traces.find(({ spans }) =>
      spans.some(({ name }) => name.includes('loadLines')),
    )!;
    const page = await stage.open(`#/trace/${loops.summary.traceId}?tab=why`);
    expect(await textOf(page, '.kinds')).toContain('Database');
    expect(await textOf(page, '.repeated')).toContain('OrderService.loadLines');
    expect(await page.locator('.waterfall-row .mark-repeated').count()).toBe(14);
    expect(await page.locator('.waterfall-row .mark-repeated').first().textContent()).toMatch(/^×\d+$/);
    // The kind that took longest names its slowest span and leads to it.
    const slowest = page.locator('.kind-words button').first();
    const [name = ''] = (await slowest.textContent())!.split(' · ');
    await slowest.click();
    expect(await textOf(page, '.waterfall-row.active')).toContain(name);
  });

  it('finds spans in a trace, one after the other', async () => {
    const page = await stage.open(`#/trace/${stage.server.dataset.longTraceId}`);
    await page.locator('.waterfall-row').first().waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('importservice.batch');
    const status = await page.locator('.waterfall-tools [role=status]').innerText();
    expect(status).toMatch(/^\d+ spans$/);
    await page.keyboard.press('Enter');
    await page.locator('.waterfall-row.active.found', { hasText: 'ImportService.batch' }).waitFor();
    const first = await page.locator('.waterfall-row.active').getAttribute('id');
    await page.keyboard.press('Enter');
    await page.locator(`.waterfall-row.active.found:not(#${first!})`).waitFor();
  });

  it('sorts traces by duration, and keeps that column in a narrow place', async () => {
    const { spike } = stage.server.dataset;
    const page = await stage.open(`#/traces?live=0&selFrom=${spike[0]}&selTo=${spike[1]}`, {
      viewport: { width: 1_280, height: 800 },
    });
    await page.locator('.selection').waitFor();
    await page.getByRole('button', { name: 'Duration' }).click();
    const durations = page.locator('.trace-list .trace-row > :last-child');
    await durations.first().waitFor();
    expect(await durations.first().innerText()).toMatch(/ d$/);
    const [list, cell] = await Promise.all([
      page.locator('.trace-list').boundingBox(),
      durations.first().boundingBox(),
    ]);
    expect(cell!.x + cell!.width).toBeLessThanOrEqual(list!.x + list!.width);
    expect(cell!.width).toBeGreaterThan(40);
  });

  it('sets two traces of a route side by side', async () => {
    const orders = stage.server.dataset.traces.filter(({ summary }) => summary.route === '/orders');
    const page = await stage.open(`#/compare/${orders[0]!.summary.traceId}/${orders[1]!.summary.traceId}`);
    expect(await textOf(page, 'table.compare')).toContain('StockRepository.reserve');
  });

  it('compares a trace with the typical one of its route, and with another that is chosen by keyboard', async () => {
    const order = stage.server.dataset.traces.find(({ summary }) => summary.route === '/orders')!;
    const page = await stage.open(`#/compare/${order.summary.traceId}`);
    await page.locator('table.compare').waitFor();
    expect(await textOf(page, '.others summary')).toContain('typical (median)');
    await page.locator('.others summary').focus();
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toContain('slowest');
    await page.keyboard.press('Enter');
    await page.locator('.others summary', { hasText: 'slowest' }).waitFor();
    expect(page.url()).toMatch(/compare\/\w{32}\/\w{32}/);
  });

  it('filters logs by level, text and field, and leads from a line to its span', async () => {
    const page = await stage.open('#/logs?level=error&text=reserved&attribute=sku:SKU-1834');
    await page.locator('.log-row').first().waitFor();
    await page.locator('.log-row .log-trace a').first().click();
    await page.locator('.waterfall-row.active').waitFor();
    expect(await textOf(page, '.span-panel .log-lines')).toContain('Stock could not be reserved');
  });

  it('counts log lines over time and by pattern, and leads from a pattern to its lines', async () => {
    const page = await stage.open('#/logs?level=error&live=0');
    await page.locator('.fill > .time-chart canvas').waitFor();
    expect(await textOf(page, '.fill > .time-chart .legend')).toContain('error and above');
    await page.getByRole('button', { name: 'Patterns' }).click();
    const row = page.locator('.log-patterns tbody tr', { hasText: 'Stock could not be reserved' }).first();
    await row.getByRole('link').click();
    await page.locator('.log-row').first().waitFor();
    expect(await textOf(page, '.log-row .log-message')).toContain('Stock could not be reserved');
  });

  it('leads from a log line to the lines around it', async () => {
    const { logs } = stage.server.dataset;
    const line = logs.findLast(
      ({ level, time }) =>
        level === 'error' &&
        logs.some((other) => other.level !== 'error' && Math.abs(other.time - time) < 4_000),
    )!;
    const page = await stage.open(`#/logs?level=error&live=0&log=${line.id}`);
    await page.getByRole('link', { name: 'Of all services' }).click();
    await page.waitForURL(/from=/);
    await page.locator('.log-row:not(.level-error)').first().waitFor();
    expect(await page.locator('.log-row.active').count()).toBe(1);
  });

  it('charts an instrument with its attributes as filters and dots that lead to traces', async () => {
    const page = await stage.open('#/metrics?metric=1');
    await page.locator('.metric canvas').waitFor();
    await page.locator('select[aria-label="http.route"]').selectOption('/orders');
    expect(decodeURIComponent(page.url())).toContain('filter=http.route:/orders');
    expect(await page.locator('.metric .dot').count()).toBeGreaterThan(0);
    expect(await textOf(page, '.metric')).toContain('p99 between 1 s and 2.5 s');
  });

  it('writes what an exemplar of a counter added as a count, and draws the extremes of a gauge', async () => {
    const page = await stage.open('#/metrics?metric=2');
    const exemplars = await textOf(page, '.exemplars');
    expect(exemplars).toMatch(/^1 /m);
    expect(exemplars).not.toContain('/s');
    const label = await page.locator('.metric .dot').first().getAttribute('aria-label');
    expect(label).not.toContain('/s');
    await page.goto(page.url().replace('metric=2', 'metric=5'));
    expect(await textOf(page, '.metric .legend')).toContain('nodejs.eventloop.delay.p99 highest');
  });

  it('shows how telemetry itself is doing', async () => {
    const page = await stage.open('#/health');
    const text = await page
      .locator('main')
      .innerText()
      .then(async (first) => (first.includes('Store') ? first : page.locator('.stack-view').innerText()));
    for (const word of ['ECONNREFUSED', '.telemetry/telemetry.db', 'ioredis', 'did not answer'])
      expect(text).toContain(word);
  });
});

import { HOSTILE } from './fixture/edge-traces.js';
import { becomesTrue, describeInChromium, type Stage, startStage } from './chromium.js';

describeInChromium('the page, while one works with it', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await startStage({ path: '/internal/watch' });
  }, 60_000);
  afterAll(() => stage.close());
  afterEach(async () => {
    await stage.leave();
    expect(stage.complaints.splice(0)).toEqual([]);
  });

  it('shows a trace that ends while one looks, unless it is paused', async () => {
    const page = await stage.open('#/traces');
    await page.locator('.live-on').waitFor();
    await page.locator('.trace-row').first().waitFor();
    // The stream is open when its first answer is; only then can something arrive over it.
    await page.waitForResponse((response) => response.url().includes('/stream')).catch(() => undefined);
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

  it('is usable by keyboard alone: search, list, waterfall, panels', async () => {
    const page = await stage.open('#/traces?status=error&min=500ms');
    await page.locator('.trace-row').first().waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('lock timeout');
    await page.waitForURL(/text=lock\+timeout/);
    await page.keyboard.press('Escape');
    await page.locator('#traces').focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.locator('#traces-1.active').waitFor();
    expect(await page.locator('#traces').getAttribute('aria-activedescendant')).toBe('traces-1');
    await page.keyboard.press('Enter');
    await page.locator('#waterfall').focus();
    await page.keyboard.press('Home');
    await page.locator('#waterfall-0.active').waitFor();
    const all = Number(await page.locator('#waterfall').getAttribute('aria-rowcount'));
    await page.keyboard.press('ArrowLeft');
    await becomesTrue(page, "document.querySelector('#waterfall').getAttribute('aria-rowcount') === '1'");
    await page.keyboard.press('ArrowRight');
    await becomesTrue(
      page,
      `document.querySelector('#waterfall').getAttribute('aria-rowcount') === '${all}'`,
    );
    await page.keyboard.press('ArrowRight');
    await page.locator('#waterfall-1.active').waitFor();
    await page.keyboard.press('Enter');
    expect(await page.evaluate('document.activeElement.id')).toBe('span-panel');
    await page.keyboard.press('Escape');
    await page.locator('.trace-split-closed').waitFor();
  });

  it('goes from dot to dot with the arrow keys and opens one with Enter', async () => {
    const page = await stage.open('#/overview');
    const dots = page.locator('.service').first().locator('.dot');
    await dots.first().waitFor();
    await dots.first().focus();
    await page.keyboard.press('ArrowRight');
    expect(
      await page.evaluate("document.activeElement === document.querySelectorAll('.service .dot')[1]"),
    ).toBe(true);
    await page.keyboard.press('Enter');
    await page.locator('.waterfall-row').first().waitFor();
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
        injected: document.querySelectorAll('main img, main script, main svg, main style, main iframe').length,
        addresses: [...document.querySelectorAll('[href],[src]')].map((each) => each.getAttribute('href') ?? each.getAttribute('src'))
          .filter((each) => !/^(#|licenses\\.txt|vscode:|data:,|page-|style-)/.test(each)),
      })`);
      expect({ place, state }).toEqual({ place, state: { hit: undefined, injected: 0, addresses: [] } });
      await page.context().close();
    }
    const page = await stage.open(`#/trace/${hostileTraceId}`);
    await page.locator('.waterfall-row').first().waitFor();
    expect(await page.locator('.trace-header h1').innerText()).toContain(HOSTILE[0]);
  }, 60_000);

  it('follows the theme of the system, and the reader when they choose', async () => {
    const page = await stage.open('#/health', { colorScheme: 'dark' });
    const theme = (): Promise<string> => page.evaluate<string>('document.documentElement.dataset.theme');
    expect(await theme()).toBe('dark');
    await page.getByRole('button', { name: 'Use the light theme' }).click();
    expect(await theme()).toBe('light');
    await page.reload();
    expect(await theme()).toBe('light');
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

describeInChromium('the page, when the application does not play along', () => {
  it('asks for the token, and keeps it out of the address', async () => {
    const stage = await startStage({ token: 'let-me-in' });
    try {
      const page = await stage.open('#/health');
      await page.locator('.notice-token input').fill('let-me-in');
      await page.locator('.notice-token button').click();
      await page.locator('text=.telemetry/telemetry.db').waitFor();
      const linked = await stage.open('#token=let-me-in');
      await linked.locator('.service').first().waitFor();
      expect(linked.url()).not.toContain('let-me-in');
    } finally {
      await stage.close();
    }
  }, 60_000);

  it('says so when the application is gone', async () => {
    const stage = await startStage();
    try {
      const page = await stage.open('#/health');
      await page.locator('text=.telemetry/telemetry.db').waitFor();
      await stage.server.close();
      await page.locator('.notice-error', { hasText: 'does not answer' }).waitFor();
      // What was there stays readable.
      expect(await page.locator('text=.telemetry/telemetry.db').count()).toBe(1);
    } finally {
      await stage.close().catch(() => undefined);
    }
  }, 60_000);
});

import { becomesTrue, describeInChromium, useStage } from './chromium.js';

describeInChromium('the page, by keyboard alone', () => {
  const stage = useStage();

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

  it('shows its keys, and keeps the focus on the page where a trace is opened', async () => {
    const page = await stage.open('#/traces?live=0');
    await page.locator('.trace-row').first().waitFor();
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor({ state: 'hidden' });
    await page.locator('#traces').focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.locator('.waterfall-row').first().waitFor();
    expect(await page.evaluate('document.activeElement.id')).toBe('main');
    expect(await page.title()).toMatch(/^.+, .+, .+ · Telemetry$/);
  });

  it('does not keep the title of a trace while the next one is loaded', async () => {
    const [first, second] = stage.server.dataset.traces.map(({ summary }) => summary.traceId);
    const page = await stage.open(`#/trace/${first}`);
    await becomesTrue(page, "document.title.split(', ').length >= 3");
    let answer: (() => void) | undefined;
    await page.route(`**/api/v1/traces/${second}`, async (route) => {
      await new Promise<void>((resolve) => (answer = resolve));
      await route.continue();
    });
    await page.evaluate(`location.hash = '#/trace/${second}'`);
    await page.locator('.notice-loading').waitFor();
    expect(await page.title()).toBe('Trace · Telemetry');
    answer?.();
    await becomesTrue(page, "document.title.split(', ').length >= 3");
  });

  it('goes from dot to dot with the arrow keys and opens one with Enter', async () => {
    const page = await stage.open('#/overview?open=gateway');
    const dots = page.locator('section[aria-label="gateway"]').locator('.dot');
    await dots.first().waitFor();
    await dots.first().focus();
    await page.keyboard.press('ArrowRight');
    expect(
      await page.evaluate(
        `document.activeElement === document.querySelectorAll('section[aria-label="gateway"] .dot')[1]`,
      ),
    ).toBe(true);
    await page.keyboard.press('Enter');
    await page.locator('.waterfall-row').first().waitFor();
  });

  it('selects a region of a chart, says which, and clears it', async () => {
    const page = await stage.open('#/overview?open=gateway');
    const chart = page.getByRole('application', { name: 'Duration' }).first();
    await chart.focus();
    const said = page.locator('.charts-place [role=status]').first();
    await page.keyboard.press('ArrowLeft');
    expect(await said.innerText()).toMatch(/^\d\d:\d\d:\d\d: p50 .+, p95 .+, p99 /);
    for (let times = 0; times < 3; times += 1) await page.keyboard.press('Shift+ArrowLeft');
    expect(await said.innerText()).toMatch(/^\d\d:\d\d:\d\d to \d\d:\d\d:\d\d selected$/);
    await page.keyboard.press('Escape');
    expect(await said.innerText()).toBe('Nothing is selected.');
    expect(page.url()).not.toContain('selFrom');
    await page.keyboard.press('Shift+Home');
    await page.keyboard.press('Enter');
    await page.locator('.differences li, .selection .hint').first().waitFor();
    const { searchParams } = new URL(page.url().replace('#', ''));
    // From the first bucket to the third from the right, as far as the keys had gone: of 15 minutes, about 14.
    const minutes = (Number(searchParams.get('selTo')) - Number(searchParams.get('selFrom'))) / 60_000;
    expect(minutes).toBeGreaterThan(13);
    expect(minutes).toBeLessThan(14.6);
    await page.keyboard.press('Escape');
    await page.locator('.selection').waitFor({ state: 'detached' });
    expect(page.url()).not.toContain('selFrom');
  });

  it('selects times and durations in the plot of traces', async () => {
    const page = await stage.open('#/traces?live=0');
    const plot = page.getByRole('application', { name: /^Duration of/ });
    await plot.focus();
    await page.keyboard.press('Shift+Home');
    for (let times = 0; times < 5; times += 1) await page.keyboard.press('Shift+ArrowUp');
    const said = await page.locator('.scatter [role=status]').innerText();
    expect(said).toMatch(/^[\d:]+ to [\d:]+, [\d.]+ \S+ to [\d.]+ \S+ selected$/);
    await page.keyboard.press('Enter');
    // What is slow in it is what was slow in the spike.
    await page.locator('.differences li').first().waitFor();
    expect(page.url()).toMatch(/selMin=.*selMax=/);
    await page.locator('.selection').getByRole('link', { name: 'List them' }).focus();
    await page.keyboard.press('Enter');
    await page.locator('.trace-row').first().waitFor();
    expect(page.url()).toMatch(/min=.*ms&max=.*ms/);
  });

  it('reaches every control with Tab, and shows where it is', async () => {
    const page = await stage.open('#/overview');
    await page.locator('.routes tbody tr').first().waitFor();
    const reached: string[] = [];
    for (let presses = 0; presses < 80; presses += 1) {
      await page.keyboard.press('Tab');
      const at = await page.evaluate<{ what: string; outlined: boolean }>(`(() => {
        const { activeElement } = document;
        const { outlineStyle, outlineWidth } = getComputedStyle(activeElement);
        return {
          what: activeElement.getAttribute('aria-label') ?? activeElement.textContent.trim(),
          outlined: outlineStyle !== 'none' && parseFloat(outlineWidth) > 0,
        };
      })()`);
      expect(at).toMatchObject({ outlined: true });
      reached.push(at.what);
      if (at.what === 'Last seen') break;
    }
    for (const name of ['Skip to content', 'Traces', '15m', 'Live', 'gateway', 'Route', 'Last seen']) {
      expect(reached).toContain(name);
    }
  });
});

import { becomesTrue, describeInChromium, useStage } from './chromium.js';

const ROUTE = '#/route?service=gateway&method=POST&route=%2Forders';

describeInChromium('the page of a route', () => {
  const stage = useStage();

  it('opens from the table of routes, says what the route does, and goes back', async () => {
    const page = await stage.open('#/overview?live=0');
    await page.locator('.routes').getByRole('link', { name: '/orders', exact: true }).click();
    await page.locator('.samples li').first().waitFor();
    expect(page.url()).toContain(ROUTE);
    expect(await page.title()).toBe('POST /orders · Telemetry');
    expect((await page.locator('main h1').innerText()).trim()).toBe('POST /orders');
    expect(await page.locator('.route-page .figures').innerText()).toMatch(
      /Requests\s+\d+[^]*p95\s+[\d.]+ m?s/,
    );
    await page.locator('.route-page canvas').nth(1).waitFor();
    expect(await page.locator('.kinds').innerText()).toMatch(/Database[^]*longest: UPDATE/);
    expect(await page.getByRole('region', { name: /^Table: Operations/ }).innerText()).toContain(
      'UPDATE stock',
    );
    expect(await page.getByRole('region', { name: 'Table: Versions' }).innerText()).toContain('1.0.0 (POST)');
    await page.goBack();
    await page.locator('.routes tbody tr').first().waitFor();
  });

  it('leads from a bar of the histogram, by keys, to the requests that took so long', async () => {
    const page = await stage.open(`${ROUTE}&live=0`);
    const bars = page.locator('.duration-bars a');
    await bars.first().waitFor();
    await bars.first().focus();
    for (let times = 0; times < 30; times += 1) await page.keyboard.press('ArrowRight');
    expect(
      await page.evaluate(
        "document.activeElement === [...document.querySelectorAll('.duration-bars a')].at(-1)",
      ),
    ).toBe(true);
    const [, count] = /: (\d+) requests?,/.exec((await bars.last().getAttribute('aria-label'))!)!;
    await page.keyboard.press('Enter');
    await page.locator('.trace-row').first().waitFor();
    expect(page.url()).toMatch(/route=%2Forders&min=[\d.]+ms&max=[\d.]+ms/);
    await becomesTrue(page, `document.querySelectorAll('.trace-row').length === ${count}`);
  });

  it('leads to a failed request at the span of the route, and to the error', async () => {
    const page = await stage.open(`${ROUTE}&live=0`);
    await page.locator('.samples .failed a').first().click();
    await page.locator('.waterfall-row.failed').first().waitFor();
    await page.goBack();
    await page.getByRole('region', { name: 'Table: Errors' }).getByRole('link').first().click();
    await page.locator('.frames li, .error-head').first().waitFor();
    expect(page.url()).toContain('#/errors/gateway/');
  });

  it('says so where the address names no route, and where nothing is stored of it', async () => {
    const page = await stage.open('#/route');
    await page.getByText('The address names no route.').waitFor();
    await page.evaluate("location.hash = '#/route?service=gateway&route=%2Funknown'");
    await page.getByText('No trace of this route is stored of this time range.').waitFor();
    await page.getByText('No requests in this time range.').waitFor();
  });
});

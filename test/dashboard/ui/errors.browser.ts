import { describeInChromium, useStage } from './chromium.js';

describeInChromium('the errors of the page', () => {
  const stage = useStage();

  it('are listed with state, count and route, filtered by state, service and text, and sorted', async () => {
    const page = await stage.open('#/errors?live=0');
    const rows = page.locator('.errors tbody tr');
    const row = rows.filter({ hasText: 'DatabaseError' });
    await row.first().waitFor();
    expect(await row.first().innerText()).toMatch(/New[^]*lock timeout[^]*POST \/jobs/);
    await page.getByRole('columnheader', { name: 'Users' }).waitFor();
    const all = await rows.count();
    expect(all).toBeGreaterThan(2);

    await page.getByRole('button', { name: 'Count' }).click();
    const counts = (await page.locator('.errors tbody td:nth-child(6)').allInnerTexts()).map(Number);
    expect(counts).toEqual([...counts].sort((a, b) => b - a));

    await page
      .getByRole('group', { name: 'State' })
      .getByRole('button', { name: /^Back 0/ })
      .click();
    await page.locator('.notice', { hasText: 'No errors match' }).waitFor();
    expect(page.url()).toContain('state=back');
    await page.getByRole('link', { name: 'Clear filters' }).click();
    await row.first().waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('lock timeout');
    await page.waitForURL(/text=lock\+timeout/);
    await rows.nth(all - 1).waitFor({ state: 'detached' });
    for (const text of await rows.allInnerTexts()) expect(text).toContain('lock timeout');
  });

  it('lead by keyboard to the stack, the routes and a trace at the span that failed', async () => {
    const page = await stage.open('#/errors?text=lock+timeout');
    const link = page.getByRole('link', { name: 'DatabaseError' });
    await link.waitFor();
    await link.focus();
    await page.keyboard.press('Enter');
    await page.locator('.frames li').first().waitFor();
    expect(await page.locator('h1').innerText()).toBe('DatabaseError');
    expect(await page.locator('.frames').first().innerText()).toContain('StockRepository.reserve');
    expect(await page.getByRole('region', { name: 'Failed with it' }).innerText()).toContain('POST /jobs');
    const users = page.getByRole('region', { name: 'Users' });
    expect(await users.locator('tbody tr').count()).toBeGreaterThan(1);
    expect(await users.getByRole('link').first().getAttribute('href')).toMatch(
      /text=(\w)\1{31}&status=error/,
    );
    expect(await page.getByRole('region', { name: 'Versions' }).innerText()).toContain('1.0.0');
    await page.getByRole('region', { name: 'Newest' }).getByRole('link').first().click();
    await page.locator('.waterfall-row.active.failed').waitFor();
    expect(await page.locator('.span-panel').innerText()).toContain('lock timeout');
    // The stack is read as on the page of the error, in place of its text.
    await page.locator('.span-panel .frames li', { hasText: 'StockRepository.reserve' }).first().waitFor();
  });
});

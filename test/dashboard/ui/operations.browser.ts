import { describeInChromium, useStage } from './chromium.js';

describeInChromium('the operations of the page', () => {
  const stage = useStage();

  it('are ranked by self time, of one kind, and sorted by another column', async () => {
    const page = await stage.open('#/operations?live=0');
    const rows = page.locator('.operations tbody tr');
    await rows.first().waitFor();
    await page.getByText(/^All traces since .* spans\. Self time/).waitFor();
    const kinds = await page.locator('.operations tbody td:nth-child(2)').allInnerTexts();
    expect(kinds).toEqual(expect.arrayContaining(['request', 'statement']));
    await page.getByRole('button', { name: 'Statements' }).click();
    await rows.filter({ hasText: 'request' }).first().waitFor({ state: 'detached' });
    expect(page.url()).toContain('kind=statement');
    await page.getByRole('button', { name: 'Count' }).click();
    const counts = (await page.locator('.operations tbody td:nth-child(5)').allInnerTexts()).map((text) =>
      Number(text.replace(/\D/g, '')),
    );
    expect(counts.length).toBeGreaterThan(1);
    expect(counts).toEqual([...counts].sort((a, b) => b - a));
  });

  it('lead by keyboard to the traces that have them', async () => {
    const page = await stage.open('#/operations?kind=statement&live=0');
    const link = page.locator('.operations tbody a').first();
    await link.waitFor();
    const name = await link.innerText();
    await link.focus();
    await page.keyboard.press('Enter');
    await page.locator('.trace-row').first().waitFor();
    expect(decodeURIComponent(page.url().replaceAll('+', ' '))).toContain(name);
  });
});

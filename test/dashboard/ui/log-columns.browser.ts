import { becomesTrue, describeInChromium, useStage } from './chromium.js';

describeInChromium('the columns of log lines', () => {
  const stage = useStage();

  it('are chosen from the fields that lines have, kept in the address, and taken off', async () => {
    const page = await stage.open('#/logs?service=worker&live=0&text=Tick');
    const add = page.getByLabel('Add a column');
    await add.selectOption('shard');
    const heading = page.locator('.log-headings');
    await heading.waitFor();
    expect(page.url()).toContain('column=shard');
    expect((await heading.innerText()).replace(/\s+/g, ' ')).toBe('Time Level Service Trace shard × Message');
    // Said in its column, and no more behind the message.
    const row = page.locator('#logs .log-row').first();
    expect(await row.locator('.log-column').innerText()).toMatch(/^\d$/);
    expect(await row.locator('.log-message').innerText()).not.toContain('shard');
    expect(await row.locator('.log-message').innerText()).toContain('line=');
    await page.reload();
    await heading.waitFor();
    await page.getByRole('button', { name: 'Remove the column shard' }).press('Enter');
    await heading.waitFor({ state: 'detached' });
    expect(page.url()).not.toContain('column=');
  });

  it('are added from the details of a line, and stand where their headings are', async () => {
    const page = await stage.open('#/logs?service=worker&live=0&text=Tick&column=shard');
    await page.locator('#logs .log-row').first().click();
    await page.locator('.attributes a[title="Show line as a column"]').click();
    await becomesTrue(page, "document.querySelectorAll('.log-headings .log-column').length === 2");
    const leftOf = (place: string) =>
      page
        .locator(`${place} .log-column`)
        .evaluateAll((cells) => cells.map((cell) => Math.round(cell.getBoundingClientRect().left)));
    const [headings, cells] = [await leftOf('.log-headings'), await leftOf('#logs-0')];
    expect(cells.every((left, index) => Math.abs(left - headings[index]!) <= 2)).toBe(true);
    expect(await page.locator('#logs .log-row').count()).toBeLessThan(100);
  });
});

import { findBarriers } from './barriers.js';
import { describeInChromium, useStage } from './chromium.js';

describeInChromium('saved views', () => {
  const stage = useStage();

  it('are saved, opened, renamed and deleted by keyboard, and outlast the page', async () => {
    const page = await stage.open('#/traces?status=error&range=1h');
    const dialog = page.getByRole('dialog', { name: 'Saved views' });
    await page.locator('.trace-row').first().waitFor();
    await page.keyboard.press('v');
    await dialog.getByText('None is saved yet.').waitFor();
    await dialog.getByLabel('Name of this view').fill('Failed in the last hour');
    await page.keyboard.press('Enter');
    const link = dialog.getByRole('link', { name: 'Failed in the last hour' });
    await link.waitFor();
    expect(await findBarriers(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });

    await page.getByRole('link', { name: 'Logs' }).click();
    await page.waitForURL(/logs/);
    await page.reload();
    await page.getByRole('button', { name: 'Saved views' }).click();
    await link.focus();
    await page.keyboard.press('Enter');
    await page.waitForURL(/#\/traces\?status=error&range=1h$/);
    await dialog.waitFor({ state: 'hidden' });

    await page.keyboard.press('v');
    await dialog.getByRole('button', { name: 'Rename Failed in the last hour' }).click();
    await dialog.getByLabel('New name of Failed in the last hour').fill('Failed');
    await page.keyboard.press('Enter');
    await dialog.getByRole('button', { name: 'Delete Failed', exact: true }).click();
    await dialog.getByText('None is saved yet.').waitFor();
  });

  it('are left out where another program has written them', async () => {
    const page = await stage.open('#/logs');
    await page.locator('.log-row').first().waitFor();
    await page.evaluate(
      `localStorage.setItem('telemetry-saved-views', '[{"name":"x","address":"javascript:alert(1)"},{"name":"ok","address":"#/health"},7]')`,
    );
    await page.keyboard.press('v');
    const dialog = page.getByRole('dialog', { name: 'Saved views' });
    await dialog.getByRole('link', { name: 'ok' }).waitFor();
    expect(await dialog.getByRole('link').count()).toBe(1);
  });
});

import { findBarriers } from './barriers.js';
import { describeInChromium, useStage } from './chromium.js';

describeInChromium('the health of telemetry', () => {
  const stage = useStage();

  it('clears a service that is gone, or everything, by keyboard and after a question', async () => {
    const page = await stage.open('');
    const sent: unknown[] = [];
    await page.route('**/api/v1/store/clear', async (route) => {
      const body = route.request().postDataJSON() as { readonly service?: string };
      sent.push(body);
      await route.fulfill({ json: { cleared: body.service ?? null } });
    });
    await page.route('**/api/v1/services*', async (route) => {
      const services = (await (await route.fetch()).json()) as readonly { readonly name: string }[];
      const [first, ...others] = services;
      await route.fulfill({
        json: [{ ...first, name: 'billing', lastSeen: Date.now() - 600_000 }, ...others],
      });
    });
    await page.getByRole('link', { name: 'Health' }).click();
    const question = page.getByRole('alertdialog');
    await page.getByRole('button', { name: 'Clear everything…' }).focus();
    await page.keyboard.press('Enter');
    await question.getByText('of all services').waitFor();
    expect(await findBarriers(page)).toEqual([]);
    // The way out has the focus, and Esc is it, too.
    await page.keyboard.press('Escape');
    await question.waitFor({ state: 'detached' });
    expect(sent).toEqual([]);
    await page.getByRole('button', { name: 'Clear this service…' }).focus();
    await page.keyboard.press('Enter');
    await question.getByText('of billing').waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByText('What was stored of billing is deleted.').waitFor();
    expect(sent).toEqual([{ service: 'billing' }]);
  });

  it('says why nothing may be cleared', async () => {
    const page = await stage.open('');
    await page.route('**/api/v1/health', async (route) => {
      const answer = (await (await route.fetch()).json()) as object;
      await route.fulfill({ json: { ...answer, clearRefused: 'This dashboard is open.' } });
    });
    await page.getByRole('link', { name: 'Health' }).click();
    await page.getByText('This dashboard is open.').waitFor();
    expect(await page.getByRole('button', { name: 'Clear everything…' }).count()).toBe(0);
  });
});

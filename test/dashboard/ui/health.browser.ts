import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { findBarriers } from './barriers.js';
import { describeInChromium, useStage } from './chromium.js';

const SCREENSHOTS = join(__dirname, '../../../.cache/screenshots');

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

  it('gives the way out the focus with the question, so that no key goes elsewhere, and deletes what was asked about', async () => {
    const page = await stage.open('');
    const sent: unknown[] = [];
    await page.route('**/api/v1/store/clear', async (route) => {
      sent.push(route.request().postDataJSON());
      await route.fulfill({ json: { cleared: 'billing' } });
    });
    let gone = ['billing'];
    await page.route('**/api/v1/services*', (route) =>
      route.fulfill({ json: gone.map((name) => ({ name, lastSeen: Date.now() - 600_000 })) }),
    );
    await page.getByRole('link', { name: 'Health' }).click();
    await page.getByRole('button', { name: 'Clear this service…' }).waitFor();
    // A key that follows at once finds what has the focus when the question is there.
    const focused = await page.evaluate<string>(`new Promise((resolve) => {
      new MutationObserver(() => {
        if (document.querySelector('[role=alertdialog]')) resolve(document.activeElement.textContent);
      }).observe(document.body, { childList: true, subtree: true });
      const button = [...document.querySelectorAll('button')].find(({ textContent }) => textContent.startsWith('Clear this'));
      button.focus();
      button.click();
    })`);
    expect(focused).toBe('Cancel');
    // Another one is gone meanwhile, and is the first of the list.
    gone = ['alerting', 'billing'];
    await page.locator('select option', { hasText: 'alerting' }).waitFor({ state: 'attached' });
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByText('What was stored of billing is deleted.').waitFor();
    expect(sent).toEqual([{ service: 'billing' }]);
  });

  it('lists processes, the worst first, and says what each has lost and why', async () => {
    const page = await stage.open('');
    await page.getByRole('link', { name: 'Health' }).click();
    const list = page.getByRole('region', { name: 'Processes' });
    const rows = list.locator('tbody tr');
    await rows.first().waitFor();
    const texts = await rows.allInnerTexts();
    expect(texts.map((text) => text.split('\t')[0])).toEqual(['orders', 'background_worker', 'gateway']);
    expect(texts[0]).toMatch(/pid 4712 · node-a.*12 min ago.*silent/);
    expect(texts[1]).toMatch(/export fails, lost telemetry, queue nearly full.*9,400\t600/);
    expect(texts[2]).toMatch(/\(this page\).*ok/);
    expect(await findBarriers(page)).toEqual([]);

    await list.getByRole('button', { name: 'background_worker' }).click();
    const details = page.getByRole('region', { name: /background_worker 1\.4\.0 · pid 4713/ });
    await details.getByText('ECONNREFUSED 512, queue_full 88').waitFor();
    for (const text of ['2,048 of 2,048', /fails since/, /better-sqlite3 12\.1\.0 not recorded/, /3 times/])
      expect(await details.getByText(text).count()).toBe(1);
    expect(await findBarriers(page)).toEqual([]);
    mkdirSync(SCREENSHOTS, { recursive: true });
    await page.screenshot({ path: join(SCREENSHOTS, 'health-processes.png') });
    // The choice is one of this view: it must not filter the others.
    const elsewhere = page.getByRole('link', { name: 'Traces', exact: true });
    expect(await elsewhere.getAttribute('href')).not.toContain('process=');
    await details.getByRole('button', { name: 'Close' }).click();
    await details.waitFor({ state: 'detached' });

    await list.getByLabel('Also the 1 that ended').check();
    expect(await rows.count()).toBe(4);
    expect(await rows.last().innerText()).toMatch(/orders.*ended/s);
  });

  it('lists what keeps telemetry from arriving, with what was seen and what to do', async () => {
    const page = await stage.open('');
    await page.getByRole('link', { name: 'Health' }).click();
    const list = page.getByRole('region', { name: 'Findings' });
    for (const text of ['does not arrive.', /ECONNREFUSED/, /send OTLP to port 4318/])
      await list.getByText(text).first().waitFor();
    expect(await findBarriers(page)).toEqual([]);
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

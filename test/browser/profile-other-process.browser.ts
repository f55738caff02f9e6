import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type Browser } from 'playwright-core';

import { describeInChromium, launchChromium } from '../dashboard/ui/chromium.js';
import { ProfiledService, TOKEN } from '../e2e/profiled-service.js';
import { eventually } from '../support/eventually.js';

describeInChromium('the page of one of two processes with one store', () => {
  let folder: string;
  let browser: Browser | undefined;
  let services: readonly [page: ProfiledService, worker: ProfiledService, off: ProfiledService];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'profile-page-'));
    const file = join(folder, 'telemetry.db');
    services = await Promise.all([
      ProfiledService.start('gateway', file),
      ProfiledService.start('worker', file),
      ProfiledService.start('silent', file, { profiling: false }),
    ]);
    browser = await launchChromium();
  }, 240_000);
  afterAll(async () => {
    await browser?.close();
    await Promise.all(services.map((service) => service.end()));
    rmSync(folder, { recursive: true, force: true });
  });

  it('records a CPU profile of the other one and shows its functions, or why it cannot', async () => {
    const [served, worker, off] = services;
    await served.find(worker);
    await served.find(off);
    const page = await browser!.newPage();
    page.setDefaultTimeout(30_000);
    await page.goto(`${served.origin}/telemetry/#token=${TOKEN}`);
    await page.getByRole('link', { name: 'Runtime' }).click();
    const card = page.locator('section[aria-label="Profiles"]');
    await card.getByText(`the process that serves this page (pid ${served.child.pid}, gateway)`).waitFor();

    const choose = async (service: ProfiledService): Promise<void> => {
      const option = page.getByLabel('Process', { exact: true }).locator('option', { hasText: service.name });
      await page.getByLabel('Process', { exact: true }).selectOption(await option.getAttribute('value'));
      await card.getByText(`Of pid ${service.child.pid}, ${service.name}`).waitFor();
    };
    await choose(off);
    await card.getByText('dashboard.profiling or TELEMETRY_DASHBOARD_PROFILING is false there').waitFor();
    expect(await card.getByRole('button', { name: /^Profile/ }).count()).toBe(0);

    await choose(worker);
    await card.getByText('Heap snapshots are taken of the process that serves the page only.').waitFor();
    await card.getByLabel('Seconds').fill('30');
    const calm = worker.keepBusy();
    const start = card.getByRole('button', { name: 'Profile 30 s' });
    const stop = card.getByRole('button', { name: 'Stop now' });
    await eventually('the recording', async () => {
      // On a busy machine the process refuses at first, and the page says why. The button is disabled while a question is on its way,
      // and goes when the recording begins.
      if (await start.isEnabled({ timeout: 100 }).catch(() => false))
        await start.click({ timeout: 1_000 }).catch(() => undefined);
      return stop.isVisible();
    });
    await (await fetch(`${worker.origin}/busy`)).text();
    await stop.click();
    await card.locator('tbody a').first().click();
    await calm();
    await page
      .getByRole('treeitem', { name: /^burnInTheOtherProcess/ })
      .first()
      .waitFor();
  });
});

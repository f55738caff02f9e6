import { type Page } from 'playwright-core';

import { eventually } from '../../support/eventually.js';
import { findBarriers } from './barriers.js';
import { describeInChromium, useStage } from './chromium.js';

describeInChromium('the choice of processes', () => {
  const stage = useStage();
  const picker = (page: Page) => page.locator('details', { has: page.getByTitle('Show one version') });
  /** What is asked of an address with a choice. */
  const asked = (page: Page, path: string, value: string) =>
    page.waitForRequest((request) => {
      const { pathname, searchParams } = new URL(request.url());
      return pathname.endsWith(`/api/v1/${path}`) && searchParams.get('version') === value;
    });

  it('is made with the keyboard, stands in the address, and goes along to every view', async () => {
    const page = await stage.open('#/overview');
    await page.locator('.routes tbody tr').first().waitFor();
    await picker(page).locator('summary').focus();
    await page.keyboard.press('Enter');
    const version = page.getByLabel('Version');
    await eventually('the versions that have reported', async () =>
      (await version.locator('option').allTextContents()).includes('1.0.0'),
    );
    await page.keyboard.press('Tab');
    const trends = asked(page, 'trends', '1.0.0');
    const services = asked(page, 'services', '1.0.0');
    const findings = asked(page, 'findings', '1.0.0');
    await page.keyboard.type('1.0.0');
    await Promise.all([trends, services, findings]);
    expect(page.url()).toContain('version=1.0.0');
    for (const [view, path] of [
      ['Traces', 'traces'],
      ['Errors', 'errors'],
      ['Map', 'map'],
      ['Operations', 'operations'],
      ['Logs', 'logs'],
      ['Runtime', 'processes'],
    ] as const) {
      const ask = asked(page, path, '1.0.0');
      await page.getByRole('navigation', { name: 'Views' }).getByText(view, { exact: true }).click();
      await ask;
      expect(page.url()).toContain('version=1.0.0');
      expect(await page.getByRole('note').count()).toBe(0);
    }
    await picker(page).locator('summary', { hasText: '1.0.0' }).waitFor();
    await page.getByRole('button', { name: 'All processes' }).click();
    await eventually('an address without it', async () => !page.url().includes('version'));
  });

  it('is said not to hold in a view that shows all processes together', async () => {
    for (const hash of ['#/metrics?version=1.0.0', '#/versions?environment=test']) {
      const page = await stage.open(hash);
      await page.getByRole('note').getByText('Not filtered').waitFor();
    }
    const page = await stage.open('#/metrics');
    await page.locator('.metric canvas').first().waitFor();
    expect(await page.getByRole('note').count()).toBe(0);
  });

  it('holds for the fields and traces of a selected region', async () => {
    const [from, to] = stage.server.dataset.spike;
    const page = await stage.open('#/health');
    const posted = page.waitForRequest(
      (request) => request.method() === 'POST' && request.url().endsWith('selection'),
    );
    await page.evaluate(`location.hash = '#/overview?version=1.0.0&selFrom=${from}&selTo=${to}'`);
    expect((await posted).postDataJSON()).toMatchObject({ version: '1.0.0' });
  });

  it('says that nothing matches, and leads back to all', async () => {
    const page = await stage.open('#/traces?process=nothing');
    await page.locator('.notice', { hasText: 'No traces match these filters' }).waitFor();
    await page.getByRole('link', { name: 'Clear filters' }).click();
    await page.locator('.trace-row').first().waitFor();
    expect(page.url()).not.toContain('process=');
  });

  it.each([
    ['light', 1_400],
    ['dark', 1_400],
    ['light', 420],
    ['dark', 420],
  ] as const)(
    'can be read and operated by everybody, %s, in a window of %i pixels',
    async (colorScheme, width) => {
      const page = await stage.open('#/metrics?version=1.0.0&environment=test', {
        viewport: { width, height: 860 },
        colorScheme,
        reducedMotion: 'reduce',
      });
      await page.locator('.metric canvas').first().waitFor();
      await picker(page).locator('summary').click();
      await page.getByRole('button', { name: 'All processes' }).waitFor();
      expect(await findBarriers(page)).toEqual([]);
      const box = await page.locator('.picker').boundingBox();
      expect(box!.x).toBeGreaterThanOrEqual(0);
      expect(box!.x + box!.width).toBeLessThanOrEqual(width + 1);
    },
  );
});

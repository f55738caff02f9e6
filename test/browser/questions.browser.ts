import { join } from 'node:path';

import { type Browser, type Page } from 'playwright-core';

import { describeInChromium, launchChromium } from '../dashboard/ui/chromium.js';
import { type RunningSampleSystem, startSampleSystem } from '../running-sample-system.mjs';
import { eventually } from '../support/eventually.js';
import { createHand } from './questions/hand.js';
import { ON_THE_PAGE } from './questions/on-the-page.js';
import { type Facts, prepareFacts } from './questions/prepare.js';

const MAX_CLICKS = 3;

describeInChromium('questions of an engineer on call, each from the overview', () => {
  let system: RunningSampleSystem | undefined;
  let browser: Browser | undefined;
  let page: Page;
  let facts: Facts;

  beforeAll(async () => {
    system = await startSampleSystem({ root: join(__dirname, '../..') });
    facts = await prepareFacts(system, (what, ask) => eventually(what, ask, 60_000));
    browser = await launchChromium();
    page = await browser.newPage({ viewport: { width: 1_400, height: 900 } });
    page.setDefaultTimeout(20_000);
    await page.goto(system.urls.dashboard);
    await page.locator('.routes').waitFor();
  }, 200_000);
  afterAll(async () => {
    await browser?.close();
    await system?.stop();
  });

  it.each(Object.entries(ON_THE_PAGE))('%s takes at most three clicks', async (_question, find) => {
    await page.goto(`${system!.urls.gateway}/telemetry#/overview`);
    await page.locator('.routes').waitFor();
    const hand = createHand(page);
    await find(hand, facts);
    expect(hand.clicks()).toBeLessThanOrEqual(MAX_CLICKS);
  });
});

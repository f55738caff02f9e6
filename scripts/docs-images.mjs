// Takes the pictures of README.md and docs/ from the sample system: node scripts/docs-images.mjs [SECONDS of traffic, 150 by default]
// A real system, real requests and a real Chromium; the pictures are in docs/images/ afterwards. Run it after a change of the page.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { chromium } from 'playwright-core';

import { findChromium, HOW_TO_GET_CHROMIUM } from '../test/browser/find-chromium.mjs';
import { REQUESTS, sendRequest } from '../test/browser/incident.mjs';
import { startSampleSystem } from '../test/running-sample-system.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, 'docs/images');
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'];
const VIEWPORT = { width: 1_280, height: 800 };
const PAUSE_MS = 400;

/** Steady traffic; slow requests whose job fails after two thirds of the time, and refused ones now and then. */
async function sendTraffic(gateway, seconds) {
  const until = Date.now() + seconds * 1_000;
  const spikeAt = Date.now() + (seconds * 2_000) / 3;
  let spike;
  for (let count = 1; Date.now() < until; count += 1) {
    await sendRequest(gateway, count % 60 === 0 ? REQUESTS.refused : REQUESTS.usual);
    if (spike === undefined && Date.now() > spikeAt)
      spike = await Promise.all(Array.from({ length: 4 }, () => sendRequest(gateway, REQUESTS.spike)));
    await sleep(PAUSE_MS);
  }
  return spike.map(({ traceId }) => traceId);
}

async function takePictures(browser, dashboard, spike, colorScheme, steps) {
  const page = await browser.newPage({ viewport: VIEWPORT, colorScheme });
  page.setDefaultTimeout(15_000);
  const keep = (name) => page.screenshot({ path: join(folder, `${name}.png`) });
  const overview = new URL(dashboard);
  await page.goto(dashboard);
  await page.locator('.routes').waitFor();
  await page.goto(`${overview.origin}${overview.pathname}#/overview?range=5m&open=api_gateway`);
  const dots = spike.map((traceId) => `.dot[href*="${traceId}"]`).join(', ');
  const dot = page.locator('section[aria-label="api_gateway"]').locator(dots).first();
  await dot.waitFor();
  await page.getByText('Loading…').first().waitFor({ state: 'hidden' });
  await keep(`overview-${colorScheme}`);
  if (steps) {
    await dot.hover();
    await keep('step-1-dot');
  }
  await dot.click();
  const failed = page.locator('.waterfall-row.active.failed');
  await failed.waitFor();
  await keep(`trace-${colorScheme}`);
  if (steps) {
    await failed.click();
    await keep('step-2-span');
    const line = page.locator('.span-panel .log-line.level-error').first();
    await line.locator('summary').click();
    await line.locator('pre.stack').waitFor();
    await keep('step-3-log');
  }
  await page.close();
}

const executablePath = await findChromium();
if (executablePath === undefined) throw new Error(`There is no browser: ${HOW_TO_GET_CHROMIUM}`);
const seconds = Number(process.argv[2] ?? 150);
mkdirSync(folder, { recursive: true });
const system = await startSampleSystem({ root });
try {
  console.log(`sending requests for ${seconds} s`);
  const spike = await sendTraffic(system.urls.gateway, seconds);
  const browser = await chromium.launch({ executablePath, args: FLAGS });
  try {
    await takePictures(browser, system.urls.dashboard, spike, 'light', true);
    await takePictures(browser, system.urls.dashboard, spike, 'dark', false);
  } finally {
    await browser.close();
  }
} finally {
  await system.stop();
}
console.log(`the pictures are in ${folder}`);

// Asks the questions of an engineer on call: on the page, and of Prometheus, Jaeger and the log file. Prints how many clicks or
// steps and how many seconds each took. Needs what measure-path.mjs needs.
//
//   node test/browser/measure-questions.mjs           prints the table
//   node test/browser/measure-questions.mjs --write   puts it into docs/incident-path.md, too
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { chromium } from 'playwright-core';

import { startSampleSystem } from '../running-sample-system.mjs';
import { sendIncident } from './incident.mjs';
import { startAsking } from './path/asked.mjs';
import { findPrograms, SCRAPE_SECONDS, startJaeger, startPrometheus, waitFor } from './path/servers.mjs';
import { BY_API } from './questions/by-api.ts';
import { createHand } from './questions/hand.ts';
import { ON_THE_PAGE } from './questions/on-the-page.ts';
import { prepareFacts } from './questions/prepare.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'];
const programs = await findPrograms();
const stops = [];

async function start() {
  const jaeger = await startJaeger(programs.jaeger, join(root, 'test/backends/jaeger/config.yaml'));
  stops.unshift(jaeger.stop);
  const system = await startSampleSystem({
    root,
    env: { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${jaeger.otlp}/v1/traces` },
  });
  stops.unshift(system.stop);
  const prometheus = await startPrometheus(programs.prometheus, {
    api_gateway: system.urls.gateway,
    orchestrator: system.urls.orchestrator,
    background_worker: system.urls.worker,
  });
  stops.unshift(prometheus.stop);
  return { jaeger, prometheus, system };
}

async function askPage(dashboard, facts) {
  const browser = await chromium.launch({ executablePath: programs.chromium, args: FLAGS });
  try {
    const page = await browser.newPage({ viewport: { width: 1_400, height: 900 } });
    const answers = {};
    await page.goto(dashboard);
    for (const [question, find] of Object.entries(ON_THE_PAGE)) {
      await page.goto(new URL('#/overview', page.url()).href);
      await page.locator('.routes').waitFor();
      const hand = createHand(page);
      const started = performance.now();
      await find(hand, facts);
      answers[question] = { clicks: hand.clicks(), ms: performance.now() - started };
    }
    return answers;
  } finally {
    await browser.close();
  }
}

async function askBackends({ jaeger, prometheus, system }, facts) {
  const answers = {};
  for (const [question, ask] of Object.entries(BY_API)) {
    const api = startAsking();
    const steps = [];
    const backends = {
      prometheus: prometheus.url,
      jaeger: jaeger.url,
      logFile: system.logFile,
      get: api.get,
      step: (what) => steps.push(what),
    };
    const answer = await ask(backends, facts);
    answers[question] = { answer, steps, ...api.counted() };
  }
  return answers;
}

async function measure() {
  const backends = await start();
  const { gateway } = backends.system.urls;
  // A rate needs a series that was scraped twice before.
  await sendIncident(gateway, { usual: 40, spike: 0, refused: 0 });
  await waitFor('two scrapes', () => backends.prometheus.scrapedTwice());
  const facts = await prepareFacts(backends.system, waitFor);
  const scraped = Date.now() + 2 * SCRAPE_SECONDS * 1_000;
  await waitFor('two scrapes more', async () => Date.now() > scraped);
  return {
    byApi: await askBackends(backends, facts),
    onThePage: await askPage(backends.system.urls.dashboard, facts),
  };
}

const seconds = (ms) => (ms < 50 ? 'below 0.1' : (ms / 1_000).toFixed(1));

function renderTable({ byApi, onThePage }) {
  const rows = Object.entries(onThePage).map(([question, { clicks, ms }]) => {
    const other = byApi[question];
    const without =
      other?.answer === undefined
        ? ['no answer', other === undefined || other.steps.length === 0 ? '' : seconds(other.ms)]
        : [other.steps.length, seconds(other.ms)];
    return [question, clicks, seconds(ms), ...without];
  });
  return [
    '| question | clicks on the page | seconds | steps with Prometheus, Jaeger and the log file | seconds, by API |',
    '| --- | --- | --- | --- | --- |',
    ...rows.map((row) => `| ${row.join(' | ')} |`),
    '',
    `Node ${process.version}, ${cpus().length} cores, one round. Typing is no click. Steps are queries to write, fields to fill in, lists to read.`,
  ].join('\n');
}

try {
  const measured = await measure();
  if (process.argv.includes('--answers')) console.log(JSON.stringify(measured, undefined, 2));
  const table = renderTable(measured);
  console.log(table);
  if (process.argv.includes('--write')) {
    const page = join(root, 'docs/incident-path.md');
    const [before, , after] = readFileSync(page, 'utf8').split(/<!-- (?:questions|end of questions) -->/);
    writeFileSync(page, `${before}<!-- questions -->\n\n${table}\n\n<!-- end of questions -->${after}`);
  }
} finally {
  for (const stop of stops) await stop();
}

// Measures the way from a spike to the log line that explains it: with the dashboard, and with Prometheus, Jaeger and the log
// file without links between them. Needs Chromium, Prometheus and Jaeger (CHROMIUM_BIN, PROMETHEUS_BIN, JAEGER_BIN, else the PATH
// and what `npm run test:backends` keeps in the cache folder), and Node 22.18 or later, which reads TypeScript.
//
//   node test/browser/measure-path.mjs           prints the table
//   node test/browser/measure-path.mjs --write   puts it into docs/incident-path.md, too
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { startSampleSystem } from '../running-sample-system.mjs';
import { sendIncident } from './incident.mjs';
import { askBackends } from './path/backends.mjs';
import { askDashboard, clickThroughDashboard } from './path/dashboard.mjs';
import { findPrograms, SCRAPE_SECONDS, startJaeger, startPrometheus, waitFor } from './path/servers.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const ROUNDS = 5;
/** What the failing part of every request of the spike logs. */
const FAILED_JOB = /Job \S+ failed/;
const programs = await findPrograms();
const stops = [];

async function measure() {
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
  const context = {
    dashboard: system.urls.dashboard,
    jaeger: jaeger.url,
    prometheus: prometheus.url,
    logFile: system.logFile,
    chromium: programs.chromium,
  };

  // A rate needs a series that was scraped twice before the spike.
  await sendIncident(system.urls.gateway, { usual: 40, spike: 0, refused: 0 });
  await waitFor('two scrapes', () => prometheus.scrapedTwice());
  const visibleAt = {};
  const becomesVisible = async (name, ask) => {
    await waitFor(name, async () => FAILED_JOB.test((await ask(context)).log));
    visibleAt[name] = Date.now();
  };
  const [incident] = await Promise.all([
    sendIncident(system.urls.gateway, { usual: 40 }),
    becomesVisible('dashboard', askDashboard),
    becomesVisible('backends', askBackends),
  ]);
  const expected = new Set(incident.spike.map(({ traceId }) => traceId));
  const visible = {
    dashboard: Math.max(0, visibleAt.dashboard - incident.to),
    backends: Math.max(0, visibleAt.backends - incident.to),
  };

  const ways = {};
  for (const [name, ask] of [
    ['clicks', clickThroughDashboard],
    ['dashboard', askDashboard],
    ['backends', askBackends],
  ]) {
    const rounds = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const answer = await ask(context);
      check(name, answer, expected);
      rounds.push(answer);
    }
    ways[name] = { ...rounds[0], ms: median(rounds.map(({ ms }) => ms)) };
  }
  return { ways, visible };
}

/** A way that leads elsewhere is no way. */
function check(name, { traceId, log }, expected) {
  if (!expected.has(traceId)) throw new Error(`${name} led to ${traceId}, which is no request of the spike`);
  if (!FAILED_JOB.test(log)) throw new Error(`${name} led to this log line: ${log}`);
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const seconds = (ms) => (ms / 1_000).toFixed(ms < 1_000 ? 3 : 1);
const kilobytes = (bytes) => (bytes / 1_000).toFixed(0);

function renderTable({ ways: { clicks, dashboard, backends }, visible }) {
  const rows = [
    ['', 'dashboard, in Chromium', 'dashboard, its API', 'Prometheus, Jaeger and the log file, by API'],
    ['---', '---', '---', '---'],
    ['steps of a human', clicks.steps.length, clicks.steps.length, backends.steps.length],
    ['places to look in', 1, 1, 3],
    ['HTTP requests', clicks.requests, dashboard.requests, backends.requests],
    ['kB received', kilobytes(clicks.bytes), kilobytes(dashboard.bytes), kilobytes(backends.bytes)],
    ['traces received to choose one', clicks.traces, dashboard.traces, backends.traces],
    [
      'log lines to read',
      clicks.lines,
      dashboard.lines,
      `${backends.lines} found in ${backends.linesSearched}`,
    ],
    ['seconds, machine only', seconds(clicks.ms), seconds(dashboard.ms), seconds(backends.ms)],
    [
      'seconds after the spike until this way finds it',
      '',
      seconds(visible.dashboard),
      seconds(visible.backends),
    ],
  ];
  return [
    ...rows.map((row) => `| ${row.join(' | ')} |`),
    '',
    `Node ${process.version}, ${cpus().length} cores; median of ${ROUNDS} rounds; Prometheus scrapes every ${SCRAPE_SECONDS} s.`,
    '',
    'The steps with the dashboard:',
    '',
    ...clicks.steps.map((step, at) => `${at + 1}. ${step}`),
    '',
    'The steps without links:',
    '',
    ...backends.steps.map((step, at) => `${at + 1}. ${step}`),
  ].join('\n');
}

try {
  const table = renderTable(await measure());
  console.log(table);
  if (process.argv.includes('--write')) {
    const page = join(root, 'docs/incident-path.md');
    const [before, , after] = readFileSync(page, 'utf8').split(/<!-- (?:measured|end) -->/);
    writeFileSync(page, `${before}<!-- measured -->\n\n${table}\n\n<!-- end -->${after}`);
  }
} finally {
  for (const stop of stops) await stop();
}

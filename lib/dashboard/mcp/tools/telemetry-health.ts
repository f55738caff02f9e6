import { askProcessHealth, type JudgedProcess } from '../../panels/health/query.js';
import { readHealth } from '../../panels/health/route.js';
import { isoOf } from '../../panels/prompt/markdown.js';
import { ANSWER_BYTES, fit, rounded } from '../fit-answer.js';
import { type McpTool } from '../mcp-tool.interface.js';

const HOUR = 3_600_000;
/** The worst come first; those that do well are alike. */
const MAX_PROCESSES = 8;

function describeProcess(process: JudgedProcess) {
  const { service, version, instance, pid, host, state, troubles, exporters, store, notRecorded } = process;
  return {
    service,
    version,
    instance,
    pid,
    host,
    state,
    troubles: troubles.join(', '),
    started: isoOf(process.started),
    lastSeen: isoOf(process.lastSeen),
    exporters: exporters.map(describeExporter),
    storeDropped: store?.dropped,
    warnings: process.warnings?.count,
    notRecorded: notRecorded?.map(({ name, version: of = '' }) => `${name} ${of}`.trim()),
  };
}

/** In one line, which takes less than an object does. */
function describeExporter(exporter: JudgedProcess['exporters'][number]): string {
  const { signal, endpoint, exported, failed, dropped, queued, queueCapacity = '?' } = exporter;
  const reasons = Object.entries(exporter.lostBy).map(([reason, count]) => `${reason} ${count}`);
  const since = exporter.failingSince === undefined ? '' : `, fails since ${isoOf(exporter.failingSince)}`;
  return [
    `${signal} to ${endpoint || 'an unknown endpoint'}: ${exported} exported, ${failed} failed, ${dropped} dropped`,
    reasons.length > 0 ? ` (${reasons.join(', ')})` : '',
    queued === undefined ? '' : `, ${queued} of ${queueCapacity} queued`,
    since,
    exporter.lastError === undefined ? '' : `, last error: ${exporter.lastError.message}`,
  ].join('');
}

export const telemetryHealth: McpTool = {
  name: 'telemetry_health',
  title: 'Health of telemetry',
  description:
    'The services with their traffic of the last hour, and how complete the data is: since when the store has any, what exporters lost, libraries that are not recorded, warnings of telemetry itself; of each process of the last 24 hours what it exported, lost and why, the worst first. Ask it first where other answers are empty.',
  input: {},
  async answer({ context, reader, query, signal }) {
    const to = Date.now();
    const [health, processes, services] = await Promise.all([
      readHealth(context, signal),
      askProcessHealth({ reader, query, context, signal }),
      reader.services({ from: to - HOUR, to }, { signal }),
    ]);
    const { store, exporters, libraries, instrumentations, seriesLimits, sampling, warnings } = health;
    const { oldest, since, ...figures } = store;
    const answer = {
      now: isoOf(to),
      services: services.map(
        ({ name, version, environment, count, errorShare, failedWork, p95, lastSeen }) => ({
          name,
          version,
          environment,
          count,
          errorShare: rounded(errorShare),
          failedWork,
          p95Ms: rounded(p95),
          lastSeen: isoOf(lastSeen),
        }),
      ),
      processes: processes.slice(0, MAX_PROCESSES).map(describeProcess),
      moreProcesses: processes.length > MAX_PROCESSES ? processes.length - MAX_PROCESSES : undefined,
      store: { ...figures, oldest: isoOf(oldest), since: isoOf(since) },
      exporters: exporters.map(({ lastSuccess, lastError, ...exporter }) => ({
        ...exporter,
        lastSuccess: isoOf(lastSuccess),
        lastError: lastError && { message: lastError.message, at: isoOf(lastError.at) },
      })),
      notRecorded: libraries.filter(({ recorded }) => !recorded),
      instrumentations,
      seriesLimits,
      sampling,
      warnings: warnings.map(({ at, ...warning }) => ({ ...warning, at: isoOf(at) })),
    };
    return JSON.stringify(fit(answer, ANSWER_BYTES));
  },
};

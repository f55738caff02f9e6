import { readHealth } from '../../panels/health/route.js';
import { isoOf } from '../../panels/prompt/markdown.js';
import { ANSWER_BYTES, fit, rounded } from '../fit-answer.js';
import { type McpTool } from '../mcp-tool.interface.js';

const HOUR = 3_600_000;

export const telemetryHealth: McpTool = {
  name: 'telemetry_health',
  title: 'Health of telemetry',
  description:
    'The services with their traffic of the last hour, and how complete the data is: since when the store has any, what exporters lost, libraries that are not recorded, warnings of telemetry itself. Ask it first where other answers are empty.',
  input: {},
  async answer({ context, reader, signal }) {
    const to = Date.now();
    const [health, services] = await Promise.all([
      readHealth(context, signal),
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

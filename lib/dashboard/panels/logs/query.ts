import { type Question, readTraceId } from '../../api/question.js';
import { type LogAnswer, type Page } from '../../reader/answers.interface.js';
import { LOG_LEVELS, type LogLevelName } from '../../reader/telemetry-reader.interface.js';

/** Addresses of the panel, and their answers. */
export interface LogsApi {
  readonly 'GET logs': Page<LogAnswer>;
}

const LEVELS = Object.keys(LOG_LEVELS) as LogLevelName[]; // its keys are these names

/** @param standard lines of a page where none are asked for */
export function askLogs({ reader, query, signal }: Question, standard = 100): Promise<Page<LogAnswer>> {
  const traceId = query.text('traceId');
  const filter = {
    ...query.partialRange(),
    service: query.text('service'),
    level: query.choice('level', LEVELS),
    text: query.search('text'),
    context: query.text('context'),
    fields: [...query.fields('attribute'), ...query.conditions('where')],
    traceId: traceId === undefined ? undefined : readTraceId(traceId, 'traceId'),
    spanId: query.text('spanId'),
    before: query.text('before'),
    limit: query.integer('limit', 1, 10_000, standard),
  };
  return reader.logs(filter, { signal });
}

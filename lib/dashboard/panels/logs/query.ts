import { type Question, readTraceId } from '../../api/question.js';
import { type Page } from '../../reader/answers/answer-parts.interface.js';
import { type LogAnswer, type LogVolumeAnswer } from '../../reader/answers/logs.interface.js';
import { LOG_LEVELS, type LogFilter, type LogLevelName } from '../../reader/telemetry-reader.interface.js';
import { findPatterns, type LogPatternsAnswer } from './patterns.js';

/** Addresses of the panel, and their answers. */
export interface LogsApi {
  readonly 'GET logs': Page<LogAnswer>;
  readonly 'GET logs/volume': LogVolumeAnswer;
  readonly 'GET logs/patterns': LogPatternsAnswer;
}

const LEVELS = Object.keys(LOG_LEVELS) as LogLevelName[]; // its keys are these names

function readFilter({ query }: Question): LogFilter {
  const traceId = query.text('traceId');
  return {
    ...query.partialRange(),
    ...query.processes(),
    service: query.text('service'),
    level: query.choice('level', LEVELS),
    text: query.search('text'),
    context: query.text('context'),
    fields: [...query.fields('attribute'), ...query.conditions('where')],
    traceId: traceId === undefined ? undefined : readTraceId(traceId, 'traceId'),
    spanId: query.text('spanId'),
  };
}

/** @param standard lines of a page where none are asked for */
export function askLogs(question: Question, standard = 100): Promise<Page<LogAnswer>> {
  const { reader, query, signal } = question;
  const filter = {
    ...readFilter(question),
    before: query.text('before'),
    limit: query.integer('limit', 1, 10_000, standard),
  };
  return reader.logs(filter, { signal });
}

export function askLogVolume({ reader, query, signal }: Question): Promise<LogVolumeAnswer> {
  const filter = {
    ...query.range(),
    ...query.processes(),
    service: query.text('service'),
    level: query.choice('level', LEVELS),
    buckets: query.integer('buckets', 1, 500, 60),
  };
  return reader.logVolume(filter, { signal });
}

export function askPatterns(question: Question): Promise<LogPatternsAnswer> {
  const { reader, work, signal } = question;
  const filter = readFilter(question);
  return findPatterns((before, limit) => reader.logs({ ...filter, before, limit }, { signal }), work);
}

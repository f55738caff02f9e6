import { type Question } from '../../api/question.js';
import { badRequest } from '../../http/dashboard-error.js';
import { type Page } from '../../reader/answers/answer-parts.interface.js';
import { type RunningTraceAnswer, type TraceSummaryAnswer } from '../../reader/answers/traces.interface.js';
import { markRunning } from './running.js';

/** Addresses of the panel, and their answers. */
export interface TracesApi {
  readonly 'GET traces': Page<TraceSummaryAnswer>;
  readonly 'GET running': readonly RunningTraceAnswer[];
}

/** @param standard traces of a page where none are asked for */
export async function askTraces(
  { running, reader, query, signal }: Question,
  standard = 50,
): Promise<Page<TraceSummaryAnswer>> {
  const filter = {
    ...query.partialRange(),
    ...query.processes(),
    service: query.text('service'),
    spanService: query.text('spanService'),
    route: query.text('route'),
    method: query.text('method'),
    status: readStatus(query.text('status')),
    minMs: query.number('minMs', 0),
    maxMs: query.number('maxMs', 0),
    attributes: [...query.fields('attribute'), ...query.conditions('where')],
    text: query.search('text'),
    before: query.text('before'),
    limit: query.integer('limit', 1, 1_000, standard),
  };
  const page = await reader.traces(filter, { signal });
  return { ...page, items: markRunning(page.items, running) };
}

function readStatus(status: string | undefined): string | undefined {
  if (status === undefined || /^(error|ok|\dxx|[\w .:-]{1,100})$/.test(status)) return status;
  throw badRequest('status must be error, ok, a class such as 5xx, or how the root ended, such as 404.');
}

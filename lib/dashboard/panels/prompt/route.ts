import { type ApiCall, defineRoutes } from '../../api/route.js';
import { readExcerpts } from '../../sources/read-excerpts.js';
import { type ReadSources } from '../../sources/source-stack.js';
import { type PromptApi } from './prompt-api.interface.js';
import { askErrorPrompt, askTracePrompt } from './query.js';

export const promptRoutes = defineRoutes<PromptApi>({
  'GET prompt/traces/:traceId': {
    doc: '`PromptAnswer`: `markdown` about a trace of at most 12 kB: what failed and where in the source, times beside the median of its route, queries, log lines and spans.',
    handle: (call) => askTracePrompt(call, sourcesFor(call)),
  },
  'GET prompt/errors/:service/:fingerprint': {
    parameters: 'from&to',
    doc: '`PromptAnswer`: the same about an error, with a sample trace where one is stored.',
    handle: (call) => askErrorPrompt(call, sourcesFor(call)),
  },
});

/** Where there are links to the source, the source may be shown. */
export function sourcesFor({ context }: Pick<ApiCall, 'context'>): ReadSources | undefined {
  return context.config.editor === undefined ? undefined : readExcerpts;
}

import { type Question, readTraceId } from '../../api/question.js';
import { defineRoutes } from '../../api/route.js';
import { writeOtlpTrace } from '../../otlp/write-trace.js';
import { readExcerpts } from '../../sources/read-excerpts.js';
import { importTraces } from './import-traces.js';
import { askStacks, askTrace, type TraceApi } from './query.js';

export const traceRoutes = defineRoutes<TraceApi>({
  'GET traces/:traceId': {
    doc: '`AnalysedTrace`: spans, log lines, and why it took as long as it did. `source` of a span: `file` and `line` of its method.',
    handle: askTrace,
  },
  'GET traces/:traceId/spans/:spanId/stacks': {
    doc: '`StacksAnswer`: the stacks of the exceptions of a span, with the source around their frames where that is at hand.',
    // Where there are links to the source, the source may be shown.
    handle: (call) => askStacks(call, call.context.config.editor === undefined ? undefined : readExcerpts),
  },
  'GET traces/:traceId/otlp': {
    doc: "The trace with its log lines as OTLP's JSON: `resourceSpans` and `resourceLogs` in one object.",
    handle: exportTrace,
  },
  'POST traces/import': {
    doc: 'Stores such JSON, or one object on each line: `ImportAnswer`. Traces that are stored already stay as they are, and lines of no trace of the file are left out; at most 20,000 spans, 20,000 lines, 32 MiB.',
    handle: importTraces,
  },
});

async function exportTrace({ reader, work, params, signal }: Question): Promise<object | undefined> {
  const traceId = readTraceId(params.traceId ?? '');
  const trace = await reader.trace(traceId, { signal });
  if (trace === undefined) return undefined;
  return work(writeOtlpTrace(trace, await reader.resources(traceId, { signal })));
}

import { readFileSync } from 'node:fs';
import { URLSearchParams } from 'node:url';

import type { Facts } from './prepare.js';

/** Answers of Jaeger that are read here. */
interface JaegerTrace {
  readonly traceID: string;
  readonly spans: readonly JaegerSpan[];
  readonly processes: Readonly<Record<string, { readonly serviceName: string }>>;
}

interface JaegerSpan {
  readonly spanID: string;
  readonly operationName: string;
  readonly processID: string;
  readonly duration: number;
  readonly references: readonly { readonly spanID: string }[];
  readonly tags: readonly { readonly key: string; readonly value: unknown }[];
}

interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

interface Range {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly (readonly [number, string])[];
}

export interface Backends {
  readonly prometheus: string;
  readonly jaeger: string;
  readonly logFile: string;
  /** Answers JSON, and counts the request. */
  get(url: string): Promise<unknown>;
  /** What a person does for it; each is a step. */
  step(what: string): void;
}

/** What Jaeger, Prometheus and the log file answer; undefined where they have no answer, after the steps that show it. */
export type Ask = (backends: Backends, facts: Facts) => Promise<string | undefined>;

const query = async ({ prometheus, get, step }: Backends, text: string): Promise<readonly Series[]> => {
  step(`Prometheus: write and run ${text}`);
  const answer = (await get(`${prometheus}/api/v1/query?query=${encodeURIComponent(text)}`)) as {
    readonly data: { readonly result: readonly Series[] };
  };
  return answer.data.result.filter(({ value: [, value] }) => Number.isFinite(Number(value)));
};

const search = async (
  { jaeger, get, step }: Backends,
  conditions: Readonly<Record<string, string>>,
): Promise<readonly JaegerTrace[]> => {
  for (const [name, value] of Object.entries(conditions)) step(`Jaeger: enter ${name} ${value}.`);
  step('Jaeger: search.');
  const parameters = new URLSearchParams({ ...conditions, limit: '200', lookback: '1h' });
  return (
    (await get(`${jaeger}/api/traces?${parameters.toString()}`)) as { readonly data: readonly JaegerTrace[] }
  ).data;
};

const open = async ({ jaeger, get, step }: Backends, traceId: string): Promise<JaegerTrace> => {
  step('Jaeger: open the trace.');
  const { data } = (await get(`${jaeger}/api/traces/${traceId}`)) as {
    readonly data: readonly JaegerTrace[];
  };
  return data[0]!;
};

/** Lines of the log file with this text. */
const grep = ({ logFile, step }: Backends, text: RegExp): readonly string[] => {
  step(`Search the log file for ${text.source}.`);
  return readFileSync(logFile, 'utf8')
    .split('\n')
    .filter((line) => text.test(line));
};

function riseOf(values: Range['values']): number {
  const numbers = values.map(([, value]) => Number(value)).filter(Number.isFinite);
  return Math.max(...numbers) / Math.min(...numbers);
}

const traceIdIn = (line: string | undefined): string => /\b[0-9a-f]{32}\b/.exec(line ?? '')?.[0] ?? '';

const childTime = ({ spans }: JaegerTrace, { spanID }: JaegerSpan): number =>
  spans
    .filter(({ references }) => references[0]?.spanID === spanID)
    .reduce((sum, { duration }) => sum + duration, 0);

/** How often each operation is called from one parent: where repeated calls are seen by eye. */
function mostRepeated({ spans }: JaegerTrace): { readonly name: string; readonly times: number } {
  const counts = new Map<string, number>();
  for (const { operationName } of spans) counts.set(operationName, (counts.get(operationName) ?? 0) + 1);
  const [name, times] = [...counts].sort((a, b) => b[1] - a[1])[0]!;
  return { name, times };
}

export const BY_API: Readonly<Record<string, Ask>> = {
  'which route became slower': async (backends) => {
    const { prometheus, get, step } = backends;
    const p95 =
      'histogram_quantile(0.95, sum by (le, job, http_route) (rate(http_server_request_duration_seconds_bucket[30s])))';
    step(`Prometheus: write ${p95}, and run it over the last 5 minutes.`);
    const now = Date.now() / 1_000;
    const { data } = (await get(
      `${prometheus}/api/v1/query_range?query=${encodeURIComponent(p95)}&start=${now - 300}&end=${now}&step=5`,
    )) as { readonly data: { readonly result: readonly Range[] } };
    step('Read off which line rises.');
    return data.result
      .map(({ metric, values }) => ({ metric, rise: riseOf(values) }))
      .sort((a, b) => b.rise - a.rise)[0]?.metric.http_route;
  },

  'why a request was slow': async (backends) => {
    const found = await search(backends, {
      service: 'api_gateway',
      operation: 'POST /process',
      minDuration: '1s',
    });
    const trace = await open(backends, found[0]!.traceID);
    backends.step('Jaeger: look for the longest bar that no child explains.');
    const self = trace.spans.map((span) => ({ span, self: span.duration - childTime(trace, span) }));
    return self.sort((a, b) => b.self - a.self)[0]!.span.operationName;
  },

  'what a failed job logged': async (backends) => {
    const lines = grep(backends, /Job \S+ failed/);
    backends.step('Read the stack below the line.');
    return lines[0];
  },

  'which requests user grace sent': async (backends) => {
    const lines = grep(backends, /user_id.*grace/);
    const ids = [...new Set(lines.map(traceIdIn))];
    for (const id of ids) await open(backends, id);
    return ids.join(' ');
  },

  'which request asks the database once for each row': async (backends) => {
    const found = await search(backends, { service: 'background_worker' });
    backends.step('Jaeger: sort by the number of spans.');
    const most = [...found].sort((a, b) => b.spans.length - a.spans.length)[0]!;
    const trace = await open(backends, most.traceID);
    backends.step('Jaeger: count the spans of one name.');
    const { name, times } = mostRepeated(trace);
    return times > 5 ? `${times} times ${name}` : undefined;
  },

  'what calls what': async (backends) => {
    backends.step('Jaeger: open the system architecture.');
    const { data } = (await backends.get(
      `${backends.jaeger}/api/dependencies?endTs=${Date.now()}&lookback=3600000`,
    )) as { readonly data: readonly { readonly parent: string; readonly child: string }[] };
    // Services and counts; no databases, durations or errors.
    return data.length === 0 ? undefined : data.map(({ parent, child }) => `${parent} ${child}`).join(', ');
  },

  'which error is new since the deployment': (backends, { linesBefore }) => {
    const lines = grep(backends, /Error: /);
    backends.step('Find the line of the deployment.');
    backends.step('Compare the messages before and after it by eye.');
    const all = readFileSync(backends.logFile, 'utf8').split('\n');
    const messageOf = (line: string): string => line.slice(line.indexOf('|') + 1).trim();
    const before = new Set(all.slice(0, linesBefore).map(messageOf));
    return Promise.resolve(lines.map(messageOf).find((message) => !before.has(message)));
  },

  'how a failed request differs from another one': async (backends, { incident }) => {
    const failed = await open(backends, incident.refused[0]!.traceId);
    const other = await open(backends, incident.usual[0]!.traceId);
    backends.step('Compare the two by eye.');
    const names = new Set(other.spans.map(({ operationName }) => operationName));
    const only = failed.spans.filter(({ operationName }) => !names.has(operationName));
    return `${only.length} spans that the other has not, ${failed.spans.length} against ${other.spans.length}`;
  },

  'which trace a log line belongs to': async (backends) => {
    const [line] = grep(backends, /LLM call failed/);
    backends.step('Copy the trace id.');
    return (await open(backends, traceIdIn(line))).traceID;
  },

  'how a colleague gets the same view': async (backends, { incident }) => {
    const { traceID } = await open(backends, incident.spike[0]!.traceId);
    backends.step('Copy the address.');
    return `${backends.jaeger}/trace/${traceID}`;
  },

  'how often the own counter rose, by status': async (backends) => {
    const series = await query(
      backends,
      'sum by (status) (increase(requests_total{job="api_gateway"}[15m]))',
    );
    return series.map(({ metric, value }) => `${metric.status}: ${value[1]}`).join(', ');
  },

  'what memory, garbage collection and event loop did at the spike': async (backends) => {
    const loop = await query(
      backends,
      'max_over_time(nodejs_eventloop_delay_max_seconds{job="api_gateway"}[15m])',
    );
    const memory = await query(backends, 'v8js_memory_heap_used_bytes{job="api_gateway"}');
    const collections = await query(backends, 'rate(v8js_gc_duration_seconds_sum{job="api_gateway"}[1m])');
    backends.step('Lay the three graphs over each other by time.');
    return [loop, memory, collections].every((series) => series.length > 0) ? 'three graphs' : undefined;
  },

  'whether telemetry is healthy': async (backends) => {
    const series = await query(backends, 'sum by (job) ({__name__=~"otel_sdk_.*", error_type!=""})');
    return series.length === 0 ? 'no losses' : series.map(({ metric }) => metric.job).join(', ');
  },

  'what was lost': async (backends) => {
    const series = await query(
      backends,
      'sum by (__name__, error_type) ({__name__=~"otel_sdk_.*", error_type!=""})',
    );
    return series.length === 0 ? 'nothing' : series.map(({ metric }) => metric.__name__).join(', ');
  },

  'which statement takes the most time over all requests': async (backends) => {
    const series = await query(
      backends,
      'topk(1, sum by (db_query_summary) (db_client_operation_duration_seconds_sum))',
    );
    return series[0]?.metric.db_query_summary;
  },

  'which version broke it': async (backends) => {
    const series = await query(
      backends,
      'topk(1, sum by (service_version) (increase(jobs_failed_total[15m]) * on (instance) group_left (service_version) target_info))',
    );
    return series[0]?.metric.service_version;
  },

  // Neither keeps profiles.
  'what the processor did in one slow request': () => Promise.resolve(undefined),

  // Someone would have to define what is usual for each of their queries.
  'what stands out': () => Promise.resolve(undefined),
};

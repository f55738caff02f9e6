import { isRecord } from '../../config/option-rules.js';
import { checkClocks, type SeenSpan } from '../../doctor/check-spans.js';
import { fault, type Finding, named, ok, type Result } from '../../doctor/finding.js';
import { ask, describeAnswer, jsonOf, poll } from './ask.js';
import { type ApplicationAddress, askPage, callerOf, recordsOf, text } from './check-application.js';

/** Where spans are looked for; returns undefined until there are any. */
export interface TraceSource {
  readonly name: string;
  find(traceId: string): Promise<readonly SeenSpan[] | undefined>;
  /** Why nothing was found, as far as the source says. */
  reason(): string;
}

const ARRIVAL_MS = 15_000;
/** Spans of other processes come with the next export of each. */
const SETTLING_MS = 6_000;

/** Looks for a trace that was sent, and at what it says about propagation and clocks. */
export async function checkTrace(
  source: TraceSource,
  traceId: string,
  expected: readonly string[],
): Promise<Finding[]> {
  const check = `trace ${traceId} in ${source.name}`;
  let spans = await poll(() => source.find(traceId), ARRIVAL_MS);
  if (spans === undefined)
    return named(check, [
      fault(
        'did not arrive.',
        source.reason(),
        'Check the endpoints above, that the application sends to the same place, and that its sampler follows the caller.',
      ),
    ]);
  const whole = await poll(async () => {
    spans = (await source.find(traceId)) ?? spans;
    return spans !== undefined && isWhole(spans, traceId, expected) ? spans : undefined;
  }, SETTLING_MS);
  spans = whole ?? spans;
  const results = [...checkPropagation(spans, expected), ...checkClocks(spans)];
  const services = [...new Set(spans.map(({ service }) => service))].join(', ');
  return named(
    check,
    results.length === 0
      ? [ok(`has ${spans.length} ${spans.length === 1 ? 'span' : 'spans'} of ${services}.`)]
      : results,
  );
}

/** Whether each service is there, and the parent of each span: processes store and export theirs at different times. */
function isWhole(spans: readonly SeenSpan[], traceId: string, expected: readonly string[]): boolean {
  const ids = new Set(spans.map(({ spanId }) => spanId));
  ids.add(callerOf(traceId));
  return (
    missingServices(spans, expected).length === 0 &&
    spans.every(({ parentSpanId }) => parentSpanId === undefined || ids.has(parentSpanId))
  );
}

function missingServices(spans: readonly SeenSpan[], expected: readonly string[]): string[] {
  return expected.filter((service) => !spans.some((span) => span.service === service));
}

function checkPropagation(spans: readonly SeenSpan[], expected: readonly string[]): Result[] {
  const missing = missingServices(spans, expected);
  if (missing.length === 0) return [];
  const services = [...new Set(spans.map(({ service }) => service))].join(', ');
  const unanswered = spans.filter(
    ({ kind, spanId }) => kind === 'client' && !spans.some(({ parentSpanId }) => parentSpanId === spanId),
  );
  const calls = unanswered.map(({ service, name }) => `${service}: ${name}`).slice(0, 5);
  return [
    fault(
      `has no span of ${missing.join(', ')}.`,
      `spans of ${services}; ${calls.length === 0 ? 'no call leaves them that is recorded' : `calls without a span on the other side: ${calls.join('; ')}`}`,
      calls.length === 0
        ? 'The client of the call is not recorded, or the context is lost before it: see docs/clients.md and docs/context.md, or pass injectTraceContext({}) as headers.'
        : 'The callee drops the header traceparent, records nothing, or sends elsewhere. Check that it has the module, the same propagators and the same receiver.',
    ),
  ];
}

/** The traces that the page of the application shows. */
export function pageSource(address: ApplicationAddress): TraceSource {
  let last = '';
  return {
    name: 'the page',
    async find(traceId) {
      const answer = await askPage(address, `traces/${traceId}`);
      last = describeAnswer(answer);
      const trace = jsonOf(answer);
      const spans = isRecord(trace) ? recordsOf(trace.spans) : [];
      if (spans.length === 0) return undefined;
      return spans.map((span) => ({
        spanId: text(span.spanId),
        parentSpanId: typeof span.parentSpanId === 'string' ? span.parentSpanId : undefined,
        service: text(span.service),
        name: text(span.name),
        kind: text(span.kind),
        start: Number(span.start),
        durationMs: Number(span.durationMs),
      }));
    },
    reason: () => last,
  };
}

/** The traces that Jaeger has, by its query API. */
export function jaegerSource(jaeger: URL): TraceSource {
  let last = '';
  return {
    name: `Jaeger at ${jaeger.origin}`,
    async find(traceId) {
      const answer = await ask(new URL(`api/traces/${traceId}`, withSlash(jaeger)));
      last = describeAnswer(answer);
      const body = jsonOf(answer);
      const [trace] = isRecord(body) ? recordsOf(body.data) : [];
      const spans = recordsOf(trace?.spans).map((span) => toSpan(span, trace?.processes));
      return spans.length === 0 ? undefined : spans;
    },
    reason: () => last,
  };
}

function toSpan(span: Readonly<Record<string, unknown>>, processes: unknown): SeenSpan {
  const process = isRecord(processes) ? processes[text(span.processID)] : undefined;
  const parent = recordsOf(span.references).find(({ refType }) => refType === 'CHILD_OF');
  const kind = recordsOf(span.tags).find(({ key }) => key === 'span.kind');
  return {
    spanId: text(span.spanID),
    parentSpanId: parent === undefined ? undefined : text(parent.spanID),
    service: isRecord(process) ? text(process.serviceName) : '?',
    name: text(span.operationName),
    kind: kind === undefined ? 'internal' : text(kind.value),
    start: Number(span.startTime) / 1_000,
    durationMs: Number(span.duration) / 1_000,
  };
}

function withSlash(url: URL): URL {
  return url.pathname.endsWith('/') ? url : new URL(`${url.pathname}/`, url);
}

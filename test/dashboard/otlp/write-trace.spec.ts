import { readLogRows } from '../../../lib/dashboard/otlp/read-logs.js';
import { readSpanRows } from '../../../lib/dashboard/otlp/read-spans.js';
import { writeOtlpTrace } from '../../../lib/dashboard/otlp/write-trace.js';
import { type LogAnswer } from '../../../lib/dashboard/reader/answers/logs.interface.js';
import { type SpanAnswer } from '../../../lib/dashboard/reader/answers/traces.interface.js';
import { takeAllSteps } from '../../../lib/dashboard/steps.js';
import { spanOf } from '../panels/trace/span-of.js';
import { encodeRequest } from './encode-request.js';

const SPAN = spanOf('GET /', 1_700_000_000_000.125, 1_700_000_000_010.5, {
  spanId: 'b7ad6b7169203331',
  kind: 'server',
  status: 'error',
  statusMessage: 'gone',
  attributes: {
    text: 'a',
    int: 3,
    ratio: 0.5,
    yes: true,
    list: ['a', 1, null],
    nested: { k: [1] },
    none: null,
  },
  events: [{ name: 'e', time: 1_700_000_000_001, attributes: { x: 'y' } }],
  links: [{ traceId: '1'.repeat(32), spanId: '2'.repeat(16), attributes: {} }],
});

const write = (
  spans: readonly SpanAnswer[],
  resources: Parameters<typeof writeOtlpTrace>[1],
  logs: readonly LogAnswer[] = [],
): object => takeAllSteps(writeOtlpTrace({ spans, logs }, resources));

const LOG: LogAnswer = {
  id: 1,
  time: 1_700_000_000_002.5,
  level: 'warn',
  service: 'orders',
  context: 'OrderService',
  message: 'slow',
  traceId: SPAN.traceId,
  spanId: SPAN.spanId,
  attributes: { id: 7, nested: { a: ['b'] } },
};

describe('writeOtlpTrace()', () => {
  it('writes what can be read again, and is the same then', () => {
    const request = write([SPAN], { orders: { 'service.name': 'orders', 'host.name': 'h' } });
    const { rows } = takeAllSteps(readSpanRows(request as Record<string, unknown>));
    const { none, ...attributes } = SPAN.attributes;
    expect(none).toBeNull();
    expect(rows).toEqual([
      expect.objectContaining({
        traceId: SPAN.traceId,
        name: SPAN.name,
        kind: 1,
        start: 1_700_000_000_000_125,
        duration: 10_375,
        status: 2,
        statusMessage: 'gone',
        attributes: JSON.stringify(attributes),
        events: JSON.stringify(SPAN.events),
        links: JSON.stringify(SPAN.links),
      }),
    ]);
    expect(rows[0]?.resource).toMatchObject({
      service: 'orders',
      attributes: '{"service.name":"orders","host.name":"h"}',
    });
  });

  it('writes how many a span stands for, that can be read again', () => {
    const spans = [2, 8, 20, 1_000, undefined].map((weight) => ({ ...SPAN, weight }));
    const { rows } = takeAllSteps(readSpanRows(write(spans, {}) as Record<string, unknown>));
    expect(rows.map(({ weight }) => weight)).toEqual([2, 8, 20, 1_000, undefined]);
    expect(JSON.stringify(write([SPAN], {}))).not.toContain('traceState');
  });

  it('writes log lines beside the spans, that can be read again', () => {
    const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];
    const logs = [
      LOG,
      ...levels.map((level) => ({ ...LOG, level, service: 'stock', context: undefined, spanId: undefined })),
    ];
    const request = write([SPAN], { orders: { 'service.name': 'orders', 'host.name': 'h' } }, logs);
    const { rows } = takeAllSteps(readLogRows(request as Record<string, unknown>));
    expect(rows[0]).toMatchObject({
      time: LOG.time,
      level: 40,
      context: 'OrderService',
      message: 'slow',
      traceId: SPAN.traceId,
      spanId: SPAN.spanId,
      attributes: JSON.stringify(LOG.attributes),
      resource: { service: 'orders', attributes: '{"service.name":"orders","host.name":"h"}' },
    });
    expect(rows.slice(1).map(({ level }) => level)).toEqual([10, 20, 30, 40, 50, 60]);
    expect(rows.slice(1)).toContainEqual(expect.objectContaining({ context: undefined, spanId: undefined }));
    expect(takeAllSteps(readSpanRows(request as Record<string, unknown>)).rows).toHaveLength(1);
    expect(encodeRequest('logs', JSON.parse(JSON.stringify(request)) as object).length).toBeGreaterThan(100);
  });

  it('groups spans by service and scope, and names a service whose resource is not known', () => {
    const spans = [
      SPAN,
      spanOf('b', 0, 1, { service: 'stock', scope: 'x' }),
      spanOf('c', 0, 1, { scope: 'y' }),
    ];
    const { resourceSpans } = write(spans, {}) as {
      resourceSpans: { resource: object; scopeSpans: { scope: object; spans: { name: string }[] }[] }[];
    };
    expect(
      resourceSpans.map(({ scopeSpans }) => scopeSpans.map((scope) => scope.spans.map(({ name }) => name))),
    ).toEqual([[['GET /'], ['c']], [['b']]]);
    expect(resourceSpans[1]?.resource).toEqual({
      attributes: [{ key: 'service.name', value: { stringValue: 'stock' } }],
    });
  });

  it('is an OTLP request to others too', () => {
    const request = JSON.parse(JSON.stringify(write([SPAN], {}))) as object;
    expect(encodeRequest('traces', request).length).toBeGreaterThan(100);
  });
});

import { DashboardError } from '../../../lib/dashboard/http/dashboard-error.js';
import { decodeProtobuf as decodeInSteps } from '../../../lib/dashboard/otlp/decode-protobuf.js';
import { type Message, OTLP_REQUESTS } from '../../../lib/dashboard/otlp/otlp-messages.constants.js';
import { readLogRows } from '../../../lib/dashboard/otlp/read-logs.js';
import { PointReader } from '../../../lib/dashboard/otlp/read-points.js';
import { readSpanRows } from '../../../lib/dashboard/otlp/read-spans.js';
import { RequestBudget } from '../../../lib/dashboard/otlp/request-limits.js';
import { takeAllSteps } from '../../../lib/dashboard/steps.js';
import { isProtobufError } from '../../../lib/engine/encoding/protobuf-reader.js';
import { encodeRequest } from './encode-request.js';
import { logRequest, metricRequest, SPAN_ID, TRACE_ID, traceRequest } from './otlp-requests.js';

type Signal = keyof typeof OTLP_REQUESTS;

const decodeProtobuf = (bytes: Buffer, message: Message) =>
  takeAllSteps(decodeInSteps(bytes, message, new RequestBudget()));
const readSpanRowsNow = (request: Readonly<Record<string, unknown>>) => takeAllSteps(readSpanRows(request));
const readLogRowsNow = (request: Readonly<Record<string, unknown>>) => takeAllSteps(readLogRows(request));
const bytes = (hex: string) => Buffer.from(hex, 'hex');
const throughProtobuf = (signal: Signal, request: object) =>
  decodeProtobuf(encodeRequest(signal, request), OTLP_REQUESTS[signal]);

/** How a request arrives. */
const FORMS = [
  {
    form: 'JSON',
    traces: () => traceRequest(),
    logs: () => logRequest(),
    metrics: (n: number) => metricRequest(n),
  },
  {
    form: 'protobuf',
    traces: () => throughProtobuf('traces', traceRequest(bytes)),
    logs: () => throughProtobuf('logs', logRequest(bytes)),
    metrics: (n: number) => throughProtobuf('metrics', metricRequest(n, bytes)),
  },
];

describe.each(FORMS)('OTLP as $form', ({ traces, logs, metrics }) => {
  it('becomes the rows of spans', () => {
    const { rows, rejected } = readSpanRowsNow(traces());
    expect(rejected).toBe(0);
    expect(rows).toHaveLength(1);
    const { attributes, events, links, resource, ...row } = rows[0]!;
    expect(row).toEqual({
      scope: 'flask',
      traceId: TRACE_ID,
      idHigh: 0xb7ad6b71 | 0,
      idLow: 0x69203331,
      parentHigh: 0x00f067aa,
      parentLow: 0x0ba902b7,
      name: 'GET /stock/{id}',
      kind: 1,
      start: 1_700_000_000_000_001,
      duration: 25_000,
      status: 2,
      statusMessage: 'sold out',
      method: 'GET',
      route: '/stock/{id}',
      outcome: '503',
    });
    expect(resource).toMatchObject({
      service: 'stock',
      version: '3.1',
      environment: 'staging',
      instance: 'i-1',
    });
    expect(attributes).toBe(
      '{"http.request.method":"GET","http.route":"/stock/{id}","http.response.status_code":503,"ratio":0.25,' +
        '"cached":false,"negative":-7,"tags":["a",2],"nested":{"k":"v"},"__proto__":"x"}',
    );
    expect(JSON.parse(events ?? '')).toEqual([
      {
        name: 'exception',
        time: 1_700_000_000_010.001,
        attributes: { 'exception.message': '<script>alert(1)</script>' },
      },
    ]);
    expect(JSON.parse(links ?? '')).toEqual([
      { traceId: '1'.repeat(32), spanId: '2'.repeat(16), attributes: {} },
    ]);
  });

  it('gives the same resource for the same sender', () => {
    expect(readSpanRowsNow(traces()).rows[0]?.resource).toBe(readLogRowsNow(logs()).rows[0]?.resource);
  });

  it('becomes the rows of log lines', () => {
    expect(readLogRowsNow(logs()).rows).toEqual([
      expect.objectContaining({
        time: 1_700_000_000_000,
        level: 50,
        context: 'stock.views',
        traceId: TRACE_ID,
        spanId: SPAN_ID,
        message: 'the shelf is empty',
        attributes: '{"shelf":"A7"}',
      }),
    ]);
  });

  it('becomes what was added to running totals since the last time', () => {
    const reader = new PointReader();
    const first = takeAllSteps(reader.readPointRows(metrics(10))).rows;
    expect(first.map(({ instrument }) => instrument.name)).toEqual(['depth']);
    expect(first[0]).toMatchObject({ value: -1.5, count: 0, attributes: '{}', time: 1_700_000_000_000 });
    const [calls, duration] = takeAllSteps(reader.readPointRows(metrics(14))).rows;
    expect(calls).toMatchObject({
      value: 4,
      attributes: '{"a":"1","b":"2"}',
      instrument: { type: 'counter', unit: '{call}', description: 'Calls.' },
    });
    expect(duration).toMatchObject({
      value: 2,
      count: 4,
      boundaries: [0.1, 1],
      buckets: new Map([[1, 4]]),
      exemplars: [{ traceId: TRACE_ID, spanId: SPAN_ID, value: 0.5, time: 1_700_000_000_000 }],
      instrument: { type: 'histogram', unit: 's' },
    });
    const restarted = takeAllSteps(reader.readPointRows(metrics(3))).rows;
    expect(restarted.map(({ value }) => value)).toEqual([3, 1.5, -1.5]);
  });
});

describe('readSpanRows()', () => {
  it.each([
    ['', undefined],
    ['vendor=x', undefined],
    ['ot=th:0', undefined],
    ['ot=th:zz', undefined],
    ['ot=th:c', 4],
    ['vendor=x,ot=rv:12345678901234;th:C', 4],
    // Of 1.33 it is 1 or 2 by the id of the span, which is low.
    ['ot=th:4', 2],
    ['ot=th:ffffffffffffff', 1_000_000],
  ])('reads of the trace state %j that a span stands for %s', (traceState, weight) => {
    const request = spanWith({ traceState, spanId: 'b7ad6b7100000001' });
    expect(readSpanRowsNow(request).rows[0]).toMatchObject({ weight });
    const sent = spanWith({ traceState, traceId: bytes(TRACE_ID), spanId: bytes('b7ad6b7100000001') });
    expect(readSpanRowsNow(throughProtobuf('traces', sent)).rows[0]).toMatchObject({ weight });
  });

  const spanWith = (change: object) => ({
    resourceSpans: [
      {
        scopeSpans: [
          {
            spans: [
              {
                traceId: TRACE_ID,
                spanId: SPAN_ID,
                startTimeUnixNano: '1',
                endTimeUnixNano: '2',
                ...change,
              },
            ],
          },
        ],
      },
    ],
  });

  it.each([
    [{ traceId: 'xyz' }, 'traceId'],
    [{ traceId: '0'.repeat(32) }, 'traceId'],
    [{ spanId: undefined }, 'spanId'],
    [{ spanId: 42 }, 'spanId'],
    [{ startTimeUnixNano: 'yesterday' }, 'startTimeUnixNano'],
  ])('rejects %j and says why', (change, reason) => {
    const { rows, rejected, reason: said } = readSpanRowsNow(spanWith(change));
    expect([rows.length, rejected]).toEqual([0, 1]);
    expect(said).toContain(reason);
  });

  it.each([
    { kind: 99 },
    { status: { code: 'ERROR' } },
    { attributes: [{}] },
    { name: 7 },
    { parentSpanId: '' },
  ])('takes %j with what is left of it', (change) => {
    expect(readSpanRowsNow(spanWith(change)).rows).toHaveLength(1);
  });

  it.each([
    { resourceSpans: 'x' },
    { resourceSpans: [null] },
    { resourceSpans: [{ scopeSpans: {} }] },
    spanWith({ attributes: 'x' }),
  ])('throws for %j', (request) => {
    expect(() => readSpanRowsNow(request)).toThrow(DashboardError);
  });
});

describe('decodeProtobuf()', () => {
  const encoded = encodeRequest('traces', traceRequest(bytes));

  it('refuses every truncated body, or reads less of it', () => {
    let refused = 0;
    for (let length = 1; length < encoded.length; length += 1) {
      try {
        decodeProtobuf(encoded.subarray(0, length), OTLP_REQUESTS.traces);
      } catch (error) {
        if (!isProtobufError(error)) throw error;
        refused += 1;
      }
    }
    expect(refused).toBeGreaterThan(encoded.length / 2);
  });

  it('never fails otherwise than by saying so, whatever it is given', () => {
    let seed = 1;
    const random = () => (seed = (seed * 48_271) % 2_147_483_647);
    for (let round = 0; round < 3_000; round += 1) {
      const mutated = Buffer.from(encoded);
      for (let change = 0; change < 4; change += 1) mutated[random() % mutated.length] = random() % 256;
      try {
        readSpanRowsNow(decodeProtobuf(mutated, OTLP_REQUESTS.traces));
      } catch (error) {
        if (!isProtobufError(error) && !(error instanceof DashboardError)) throw error;
      }
    }
    expect(seed).not.toBe(1);
  });

  it('refuses values nested in values without end', () => {
    let value = Buffer.from([]);
    // kvlist { key_value { value { … } } }
    for (let depth = 0; depth < 200; depth += 1) {
      for (const tag of [0x12, 0x0a, 0x32]) {
        const length: number[] = [];
        let rest = value.length;
        for (; rest >= 0x80; rest >>= 7) length.push((rest & 0x7f) | 0x80);
        value = Buffer.concat([Buffer.from([tag, ...length, rest]), value]);
      }
    }
    const anyValue = { 6: ['kvlistValue', () => list] } as const;
    const keyValue = { 2: ['value', () => anyValue] } as const;
    const list = { 1: ['values', () => keyValue, 'repeated'] } as const;
    expect(() => decodeProtobuf(value, anyValue)).toThrow('nested too deeply');
  });
});

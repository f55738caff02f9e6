import {
  INVALID_SPAN_CONTEXT,
  isSpanContextValid,
  ROOT_CONTEXT,
  trace,
  type Tracer,
} from '@opentelemetry/api';
import { emptyResource } from '@opentelemetry/resources';
import { AlwaysOnSampler } from '@opentelemetry/sdk-trace';
import { PinoLogger } from 'nestjs-pino';
import { type Logger, symbols } from 'pino';

import { RecordingTracerProvider } from '../../lib/engine/recording-tracer-provider.js';
import { FastLine } from '../../lib/logging/fast-line.js';
import { LineBuffer } from '../../lib/logging/line-buffer.js';
import { createPinoParams } from '../../lib/logging/start-logging.js';
import { TelemetryLogger } from '../../lib/logging/telemetry-logger.js';
import { DEFAULT_REDACTION, useRedaction } from '../../lib/redaction/active-redaction.js';
import {
  inSpan,
  type Line,
  type ObservedLogging,
  observeLogging,
  type ObserveOptions,
  stopObserving,
} from './observe-logging.js';

/** Has pino write all lines. */
const THROUGH_PINO: ObserveOptions = { engine: 'sdk' };

const AWKWARD: [string, unknown][] = [
  ['a text', 'book'],
  ['quotes and backslashes', 'say "hi" to C:\\temp'],
  ['control characters', 'a\nb\tc\u0000d\u001f'],
  ['emoji and umlauts', 'Grüße 👋'],
  ['a line separator', 'a\u2028b'],
  ['a number', 42.5],
  ['a negative zero', -0],
  ['a large number', 1e300],
  ['not a number', Number.NaN],
  ['infinity', Number.POSITIVE_INFINITY],
  ['a bigint', 10n],
  ['true', true],
  ['null', null],
  ['undefined', undefined],
  ['a symbol', Symbol('s')],
  ['a function', () => 1],
  ['a list', [1, 'a', { b: 2 }]],
  ['an object', { deep: { er: 1 } }],
  ['a date', new Date(0)],
  ['an error', new RangeError('out')],
  ['a long text', 'x'.repeat(5_000)],
  ['a text of a hundred quotes', '"'.repeat(101)],
  ['a password in a text', 'login with password=hunter2'],
  ['a token', 'Bearer abcdef1234567890'],
  ['a token at the end of a long text', `${'x '.repeat(100)}Bearer abcdef1234567890`],
  ['a card number', 4_111_111_111_111_111],
  ['a card number in a text', 'paid with 4111 1111 1111 1111'],
  ['a text that looks like a secret', 'token-name: Grüße'],
];

/** A tracer of the engine that keeps ids as numbers. */
const ourTracer = (): Tracer =>
  new RecordingTracerProvider({
    resource: emptyResource(),
    sampler: new AlwaysOnSampler(),
    childrenFollowParent: true,
    limits: {},
    spanProcessors: [],
  }).getTracer('ours');

const KEYS = [
  ...['id', 'with "quotes"', 'ключ', '', '__proto__', 'constructor', 'toString'],
  ...['level', 'time', 'service', 'pid', 'hostname', 'trace_id', 'span_id', 'trace_flags'],
  ...['msg', 'err', 'error', 'context', 'extra_context'],
  ...['password', 'api_key', 'exception.message'],
];

/** What was written and emitted, without what differs from run to run. */
function comparable(logging: ObservedLogging) {
  const ids = /"(time|trace_id|span_id)":("[0-9a-f]+"|\d+)/g;
  const text = logging.text.map((line) => line.replace(ids, '"$1":0').replace(/\\n {4}at [^"]*/g, ''));
  const records = logging.logRecords().map(({ body, attributes, severityText, instrumentationScope }) => ({
    ...{ body, severityText, scope: instrumentationScope.name },
    attributes: { ...attributes, 'exception.stacktrace': undefined },
  }));
  const events = logging.spans().flatMap((span) =>
    span.events.map(({ name, attributes }) => ({
      name,
      attributes: { ...attributes, 'exception.stacktrace': undefined },
    })),
  );
  return { text, records, events };
}

describe('a line of plain fields', () => {
  let logging: ObservedLogging | undefined;

  afterEach(() => {
    stopObserving(logging);
    logging = undefined;
  });

  function observe(options: ObserveOptions, act: (telemetry: TelemetryLogger) => void) {
    logging = observeLogging(options);
    act(new TelemetryLogger('OrderService'));
    const observed = comparable(logging);
    stopObserving(logging);
    return observed;
  }

  function expectSame(act: (telemetry: TelemetryLogger) => void): void {
    const inBoth = (telemetry: TelemetryLogger): void => {
      act(telemetry);
      inSpan('work', () => {
        act(telemetry);
      });
    };
    const past = observe({}, inBoth);
    expect(past.text.length).toBeGreaterThan(0);
    expect(past).toEqual(observe(THROUGH_PINO, inBoth));
  }

  it.each(AWKWARD)('is, with %s as a field, what pino writes', (_, value) => {
    expectSame((telemetry) => {
      telemetry.logInfo('order read', { before: 1, value, after: 'x' });
    });
  });

  // pino's line for a symbol is no JSON, and the whole of it, with its time, becomes the message.
  const messages = AWKWARD.filter(([name]) => name !== 'a symbol');

  it.each(messages)('is, with %s for a message, what pino writes', (_, value) => {
    expectSame((telemetry) => {
      telemetry.logInfo(value as string, { id: 1 });
    });
  });

  it.each(KEYS)('is, with a field called %p, what pino writes', (key) => {
    expectSame((telemetry) => {
      telemetry.logInfo('order read', {
        ...(JSON.parse(`{${JSON.stringify(key)}:"given"}`) as Line),
        after: 1,
      });
    });
  });

  it('is what pino writes when many short fields make it long', () => {
    const fields = Object.fromEntries(
      Array.from({ length: 200 }, (_, index) => [`field${index}`, 'x'.repeat(50)]),
    );
    expectSame((telemetry) => {
      telemetry.logInfo('order read', fields);
      telemetry.logInfo('after it');
    });
  });

  // pino does so from Node 25 on; before, it writes what no UTF-8 can hold, and each half arrives as the replacement character.
  it('keeps a half of a surrogate pair, escaped', () => {
    logging = observeLogging();
    new TelemetryLogger('OrderService').logInfo('a \ud83d message', { value: 'broken \ud83d pair' });
    expect(logging.text[0]).toContain('"value":"broken \\ud83d pair"');
    expect(logging.text[0]).toContain('"msg":"a \\ud83d message"');
  });

  it.each([
    ['no span', () => undefined],
    ['a span of ours', () => ourTracer().startSpan('work')],
    ["a span of OpenTelemetry's", () => trace.getTracer('theirs').startSpan('work')],
    ['a span that is not valid', () => trace.wrapSpanContext(INVALID_SPAN_CONTEXT)],
  ])('is the same in bytes as it is in text, with %s', (_, startSpan) => {
    logging = observeLogging();
    const span = startSpan();
    const ids = span === undefined || !isSpanContextValid(span.spanContext()) ? {} : span.spanContext();
    const where = span === undefined ? ROOT_CONTEXT : trace.setSpan(ROOT_CONTEXT, span);
    let written = 0;
    for (const fields of [...AWKWARD.map(([, value]) => ({ value })), ...KEYS.map((key) => ({ [key]: 1 }))]) {
      const line = new FastLine(30, 'order read', fields, where, {
        text: ',"service":"orchestrator"',
        fields: undefined,
      });
      const text: string[] = [];
      const bytes = new LineBuffer(16);
      const others = { flush: () => undefined, close: () => undefined };
      const writesText = line.writeTo({ ...others, write: (each) => void text.push(each) });
      const open = (): LineBuffer => bytes;
      const appended = jest.fn();
      const write = jest.fn();
      const writesBytes = line.writeTo({ ...others, write, bytes: { open, appended } });
      expect(writesBytes).toBe(writesText);
      expect(appended).toHaveBeenCalledTimes(writesText ? 1 : 0);
      expect(write).not.toHaveBeenCalled();
      expect(bytes.view().toString()).toBe(text.join(''));
      if (!writesText) continue;
      written += 1;
      const { trace_id: traceId, span_id: spanId, trace_flags: flags } = JSON.parse(text[0]!) as Line;
      const traceFlags = typeof flags === 'string' ? parseInt(flags, 16) : undefined;
      expect({ traceId, spanId, traceFlags }).toEqual({
        ...{ traceId: undefined, spanId: undefined, traceFlags: undefined },
        ...ids,
      });
    }
    expect(written).toBeGreaterThan(15);
  });

  it('holds no secret in the text, the log record or the span event', () => {
    const seen = observe({}, (telemetry) => {
      inSpan('work', () => {
        telemetry.logInfo('password=hunter2', { password: 'hunter2', note: 'Bearer hunter2hunter2', id: 7 });
      });
    });
    expect(JSON.stringify(seen)).not.toContain('hunter2');
    expect(seen.records[0]).toMatchObject({ attributes: { password: '[Redacted]', id: 7 } });
    expect(seen.events[0]).toMatchObject({ attributes: { password: '[Redacted]', id: 7 } });
  });

  it('stays whole where the function that replaces secrets writes a line too', () => {
    const replace = (): string => {
      new TelemetryLogger('Secrets').logInfo('replaced', { part: 1 });
      return '<gone>';
    };
    useRedaction({ ...DEFAULT_REDACTION, replace }, () => undefined);
    try {
      logging = observeLogging();
      new TelemetryLogger('OrderService').logInfo('order read', { before: 1, password: 'x', after: 2 });
    } finally {
      useRedaction(DEFAULT_REDACTION, () => undefined);
    }
    expect(logging.lines()).toMatchObject([
      { msg: 'replaced', part: 1 },
      { msg: 'order read', before: 1, password: '<gone>', after: 2 },
    ]);
  });

  it('does not go through pino, and any other does', () => {
    logging = observeLogging();
    const info = jest.spyOn(logging.logger!, 'info');
    new TelemetryLogger('OrderService').logInfo('order read', { id: 1 });
    expect(info).not.toHaveBeenCalled();
    new TelemetryLogger('OrderService').logInfo('order read', { items: ['book'] });
    expect(info).toHaveBeenCalledTimes(1);
    expect(logging.lines()).toMatchObject([{ id: 1 }, { items: ['book'] }]);
  });

  it('is what pino writes at each level, and none below the level that is set', () => {
    expectSame((telemetry) => {
      telemetry.logDebug('d', { n: 1 });
      telemetry.logWarning('w', { n: 1 });
      telemetry.logError('e', { n: 1 });
    });
    logging = observeLogging({ level: 'warn' });
    new TelemetryLogger('OrderService').logInfo('below');
    expect(logging.text).toEqual([]);
  });

  it('carries what was bound to the root logger after the start', () => {
    logging = observeLogging();
    logging.logger!.setBindings({ region: 'eu' });
    new TelemetryLogger('OrderService').logInfo('order read');
    expect(logging.line()).toMatchObject({ service: 'orchestrator', region: 'eu' });
  });

  it('obeys a level that was changed after the start', () => {
    logging = observeLogging();
    logging.logger!.level = 'error';
    new TelemetryLogger('OrderService').logInfo('quiet');
    logging.logger!.level = 'info';
    new TelemetryLogger('OrderService').logInfo('heard');
    expect(logging.lines().map(({ msg }) => msg)).toEqual(['heard']);
  });

  it('is left to pino while a listener watches the lines that pino makes', async () => {
    const { tracingChannel } = await import('node:diagnostics_channel');
    const seen: unknown[] = [];
    const note = (message: unknown): void => void seen.push(message);
    logging = observeLogging();
    tracingChannel('pino_asJson').start.subscribe(note);
    try {
      new TelemetryLogger('OrderService').logInfo('order read');
    } finally {
      tracingChannel('pino_asJson').start.unsubscribe(note);
    }
    expect(seen).toHaveLength(1);
    expect(logging.line().msg).toBe('order read');
  });
});

describe('a line of plain fields by a log method of pino', () => {
  let logging: ObservedLogging | undefined;

  afterEach(() => {
    stopObserving(logging);
    logging = undefined;
  });

  function observe(options: ObserveOptions, act: (logger: Logger) => void) {
    logging = observeLogging(options);
    const { logger } = logging;
    inSpan('work', () => {
      act(logger!);
    });
    const observed = comparable(logging);
    stopObserving(logging);
    return observed;
  }

  function expectSame(act: (logger: Logger) => void): void {
    const past = observe({}, act);
    expect(past.text.length).toBeGreaterThan(0);
    expect(past).toEqual(observe(THROUGH_PINO, act));
  }

  class Inheriting {
    own = 1;
  }
  Object.defineProperty(Inheriting.prototype, 'inherited', { value: 2, enumerable: true });

  it.each<[string, (logger: Logger) => void]>([
    [
      'a message',
      (logger) => {
        logger.info('order read');
      },
    ],
    [
      'fields and a message',
      (logger) => {
        logger.warn({ id: '7', total: 4.5, paid: true }, 'order read');
      },
    ],
    [
      'fields without a message',
      (logger) => {
        logger.info({ id: '7' });
      },
    ],
    [
      'fields, a message and its parameters',
      (logger) => {
        logger.info({ id: '7' }, 'order %s of %d', 'a', 2);
      },
    ],
    [
      'a message and its parameters',
      (logger) => {
        logger.info('order %s', 'a');
      },
    ],
    [
      'an error',
      (logger) => {
        logger.error(new RangeError('out'), 'failed');
      },
    ],
    [
      'an error among fields',
      (logger) => {
        logger.error({ err: new RangeError('out') }, 'failed');
      },
    ],
    [
      'inherited fields',
      (logger) => {
        logger.info(new Inheriting(), 'order read');
      },
    ],
    [
      'what pino takes for a request',
      (logger) => {
        logger.info({ method: 'GET', headers: 'h', socket: 's' }, 'x');
      },
    ],
    [
      'fields that the message does not fit',
      (logger) => {
        logger.info({ msg: 'given', time: 1 }, 'order read');
      },
    ],
    [
      'nothing',
      (logger) => {
        (logger.info as () => void)();
      },
    ],
    [
      'a child',
      (logger) => {
        logger.child({ context: 'Prices', region: 'eu' }).info({ id: 1 }, 'order read');
      },
    ],
    [
      'a child of a child',
      (logger) => {
        logger.child({ a: 1 }).child({ b: true }).info('order read');
      },
    ],
    [
      'a field that is bound, too',
      (logger) => {
        logger.child({ id: 1, context: 'A' }).info({ id: 2, context: 'B' }, 'x');
      },
    ],
    [
      'a child with a secret',
      (logger) => {
        logger.child({ password: 'hunter2' }).info('order read');
      },
    ],
    [
      'a child of objects',
      (logger) => {
        logger.child({ user: { id: 1 } }).info({ id: 1 }, 'order read');
      },
    ],
    [
      'a child with a reserved key',
      (logger) => {
        logger.child({ trace_id: 'x', level: 1 }).info('order read');
      },
    ],
    [
      'a child with serializers',
      (logger) => {
        logger
          .child({}, { serializers: { id: (id: unknown) => `#${String(id)}` } })
          .info({ id: 1 }, 'order read');
      },
    ],
    [
      'a child with a prefix',
      (logger) => {
        logger.child({}, { msgPrefix: '[p] ' }).info({ id: 1 }, 'order read');
      },
    ],
    [
      'a child with redaction',
      (logger) => {
        logger.child({}, { redact: ['id'] }).info({ id: 1 }, 'order read');
      },
    ],
    [
      'a child with a formatter',
      (logger) => {
        logger
          .child({}, { formatters: { log: (fields) => ({ ...fields, more: 1 }) } })
          .info({ id: 1 }, 'order read');
      },
    ],
    [
      'bindings that are replaced',
      (logger) => {
        const child = logger.child({ step: 1 });
        child.info('first');
        child.setBindings({ step: 2 });
        child.info('second');
      },
    ],
  ])('is, with %s, what pino writes', (_, act) => {
    expectSame(act);
  });

  it.each(AWKWARD)('is, with %s as a field, what pino writes', (_, value) => {
    expectSame((logger) => {
      logger.info({ before: 1, value, after: 'x' }, 'order read');
    });
  });

  it.each<[string, (observed: ObservedLogging) => void, boolean]>([
    [
      'the root',
      ({ logger }) => {
        logger!.info({ id: 1 }, 'order read');
      },
      false,
    ],
    [
      'a child',
      ({ logger }) => {
        logger!.child({ context: 'Prices' }).info({ id: 1 }, 'order read');
      },
      false,
    ],
    [
      'PinoLogger',
      ({ config }) => {
        new PinoLogger(createPinoParams(config, 'caller')).info({ id: 1 }, 'order read');
      },
      false,
    ],
    [
      'a child with options',
      ({ logger }) => {
        logger!.child({}, { msgPrefix: 'p ' }).info('read');
      },
      true,
    ],
    [
      'fields of objects',
      ({ logger }) => {
        logger!.info({ items: ['book'] }, 'order read');
      },
      true,
    ],
  ])('of %s goes through pino only where that makes a difference', (_, act, throughPino) => {
    logging = observeLogging();
    const methods = logging.logger as unknown as Record<symbol, () => string>;
    const asJson = jest.spyOn(methods, symbols.asJsonSym);
    act(logging);
    expect(asJson).toHaveBeenCalledTimes(throughPino ? 1 : 0);
    expect(logging.text).toHaveLength(1);
  });

  it('asks a hook of the application for each line', () => {
    const seen: unknown[] = [];
    logging = observeLogging({
      pino: {
        hooks: {
          logMethod(given, method) {
            seen.push(given);
            method.apply(this, given);
          },
        },
      },
    });
    logging.logger!.info({ id: 1 }, 'order read');
    expect(seen).toHaveLength(1);
    expect(logging.line()).toMatchObject({ id: 1, msg: 'order read' });
  });
});

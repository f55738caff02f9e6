import { logs, SeverityNumber, trace } from '@opentelemetry/api';
import { type LogRecordProcessor } from '@opentelemetry/sdk-logs';

import { recordFailure } from '../../lib/tracing/error-policy.js';
import { inSpan, type ObservedLogging, observeLogging, stopObserving } from './observe-logging.js';

function processorThat(onEmit: () => void): LogRecordProcessor {
  return { onEmit, forceFlush: () => Promise.resolve(), shutdown: () => Promise.resolve() };
}

describe('a log line', () => {
  let logging: ObservedLogging | undefined;

  afterEach(() => {
    stopObserving(logging);
  });

  it('becomes one log record of the active span, with severity, body, fields and time', () => {
    logging = observeLogging();
    const ids = inSpan('work', (span) => {
      logging!.logger!.warn({ context: 'OrderService', order: { id: 42, tags: ['a'] } }, 'Slow query');
      return span.spanContext();
    });

    expect(logging.logRecords()).toHaveLength(1);
    const [record] = logging.logRecords();
    expect(record).toMatchObject({
      severityNumber: SeverityNumber.WARN,
      severityText: 'WARN',
      body: 'Slow query',
      attributes: { context: 'OrderService', order: { id: 42, tags: ['a'] } },
      spanContext: { traceId: ids.traceId, spanId: ids.spanId },
      instrumentationScope: { name: 'OrderService' },
    });
    expect(record!.attributes).not.toHaveProperty('trace_id');
    expect(record!.attributes).not.toHaveProperty('service');
    expect(record!.hrTime[0] * 1_000 + Math.round(record!.hrTime[1] / 1e6)).toBe(logging.line().time);
  });

  it('becomes one event of the active span, with flat attributes', () => {
    logging = observeLogging();
    inSpan('work', () => {
      logging!.logger!.info(
        { context: 'OrderService', order: { id: 42, tags: ['a', 'b'] }, none: null },
        'Packed',
      );
    });

    const [span] = logging.spans();
    expect(span!.events.map(({ name, attributes }) => ({ name, attributes }))).toEqual([
      {
        name: 'log',
        attributes: {
          'log.severity': 'INFO',
          'log.message': 'Packed',
          'log.context': 'OrderService',
          'order.id': 42,
          'order.tags': '["a","b"]',
        },
      },
    ]);
  });

  it('carries an error as exception attributes in both', () => {
    logging = observeLogging();
    inSpan('work', () => {
      const cause = Object.assign(new Error('connection refused'), { code: 'ECONNREFUSED' });
      logging!.logger!.error({ err: new TypeError('no database', { cause }) }, 'Failed');
    });

    const expected = {
      'exception.type': 'TypeError',
      'exception.message': 'no database',
      'exception.stacktrace': expect.stringMatching(
        /TypeError: no database\n\s+at [^]*Caused by: Error: connection refused\n\s+at /,
      ) as string,
    };
    expect(logging.logRecords()[0]!.attributes).toMatchObject(expected);
    expect(logging.spans()[0]!.events[0]!.attributes).toMatchObject(expected);
  });

  it('describes an error as the exception on a span is described', () => {
    logging = observeLogging();
    const cause = new RangeError('connection refused');
    const error = Object.assign(new Error('no database', { cause }), { code: 'E_DATABASE' });
    inSpan('work', (span) => {
      recordFailure(span, error);
      logging!.logger!.error({ err: error }, 'Failed');
    });

    const [exception, line] = logging.spans()[0]!.events.map(({ attributes }) => attributes!);
    const { 'exception.fingerprint': fingerprint, ...described } = exception!;
    expect(fingerprint).toBeDefined();
    expect(described['exception.type']).toBe('E_DATABASE');
    expect(described['exception.stacktrace']).toContain('\nCaused by: RangeError: connection refused\n');
    expect(logging.logRecords()[0]!.attributes).toMatchObject(described);
    expect(line).toMatchObject(described);
  });

  it('adds no event outside a span, on a span that is not recorded, or when events are off', () => {
    logging = observeLogging({ spanEvents: false });
    logging.logger!.info('outside');
    inSpan('work', () => {
      logging!.logger!.info('events are off');
    });

    expect(logging.spans()[0]!.events).toEqual([]);
    expect(logging.logRecords()).toHaveLength(2);
  });

  it('is not emitted as a log record when nothing listens', () => {
    logging = observeLogging({ emitLogRecords: false });
    logging.logger!.info('quiet');

    expect(logging.text).toHaveLength(1);
    expect(logging.logRecords()).toEqual([]);
  });

  it('is read back once when a field is more than a text, number or boolean, and not at all otherwise', () => {
    const countParses = (options: Parameters<typeof observeLogging>[0], write: () => void): number => {
      logging = observeLogging(options);
      const parse = jest.spyOn(JSON, 'parse');
      inSpan('work', write);
      const { length } = parse.mock.calls;
      parse.mockRestore();
      stopObserving(logging);
      return length;
    };

    const plain = () => {
      logging!.logger!.info({ id: 7, big: false }, 'text, record and event');
    };
    const nested = () => {
      logging!.logger!.info({ order: { id: 7 } }, 'text, record and event');
    };
    const bound = () => {
      logging!.logger!.child({ tenant: 'a' }).info('text, record and event');
    };
    expect([
      countParses({ emitLogRecords: false, spanEvents: false }, nested),
      countParses({ format: 'text' }, plain),
      countParses({ format: 'text' }, nested),
      countParses({ format: 'text' }, bound),
    ]).toEqual([0, 0, 1, 1]);
  });

  it.each([
    ['texts, numbers and booleans', { id: 7, ratio: 0.5, name: 'x', ok: true, nothing: undefined }],
    ['a context', { context: 'OrderService', id: 7 }],
    ['names the line has itself', { msg: 'other', level: 'high', time: 'noon', service: 'other', pid: 1 }],
    ['numbers JSON does not know', { bad: Number.NaN, huge: Infinity }],
    ['null', { none: null }],
    ['a text too long for a log record', { text: 'x'.repeat(20_000) }],
  ])('says the same to record and span whether it was read back or not: %s', (_what, fields) => {
    const told = (redact: string[]) => {
      logging = observeLogging({ redact });
      inSpan('work', () => {
        logging!.logger!.info(fields, 'said');
      });
      const [record] = logging.logRecords();
      const [event] = logging.spans()[0]!.events;
      const result = [record!.body, record!.attributes, record!.severityText, event!.attributes];
      stopObserving(logging);
      return result;
    };
    // A redaction, even of what is not there, makes the line the only truth.
    expect(told([])).toEqual(told(['not.there']));
  });

  it('writes redacted values nowhere', () => {
    logging = observeLogging({
      redact: ['password', 'user.token', 'err.config.headers.authorization', '*.secret'],
    });
    inSpan('work', () => {
      const err = Object.assign(new Error('denied'), {
        config: { headers: { authorization: 'Bearer hunter2' } },
      });
      logging!.logger!.error(
        { password: 'hunter2', user: { id: 7, token: 'hunter2' }, vault: { secret: 'hunter2' }, err },
        'Login failed',
      );
    });

    const record = logging.logRecords()[0]!;
    const event = logging.spans()[0]!.events[0]!;
    const everything = JSON.stringify([logging.text, record.body, record.attributes, event]);
    expect(everything).not.toContain('hunter2');
    expect(record.attributes).toMatchObject({ password: '[Redacted]', user: { id: 7, token: '[Redacted]' } });
    expect(event.attributes).toMatchObject({
      password: '[Redacted]',
      'user.id': 7,
      'vault.secret': '[Redacted]',
    });
  });

  it('is redacted in the text form and in bindings of child loggers too', () => {
    logging = observeLogging({ format: 'text', redact: ['password'] });
    logging.logger!.child({ password: 'hunter2' }).info('bound');
    logging.logger!.info({ password: 'hunter2' }, 'passed');

    expect(logging.text).toEqual([
      'INFO - bound password=[Redacted]\n',
      'INFO - passed password=[Redacted]\n',
    ]);
  });

  it.each<[string, () => Record<string, unknown>]>([
    [
      'a cycle',
      () => {
        const a: Record<string, unknown> = { n: 1 };
        a.self = a;
        return { a };
      },
    ],
    ['a bigint', () => ({ big: 10n, nested: { big: 10n } })],
    [
      'a getter that throws',
      () => ({
        get broken(): string {
          throw new Error('getter');
        },
      }),
    ],
    [
      'a nested getter that throws',
      () => ({
        a: {
          get broken(): string {
            throw new Error('getter');
          },
        },
      }),
    ],
    [
      'a toJSON that throws',
      () => ({
        a: {
          toJSON: () => {
            throw new Error('toJSON');
          },
        },
      }),
    ],
    [
      'a proxy that throws at everything',
      () => ({
        a: new Proxy(
          {},
          {
            get: () => {
              throw new Error('trap');
            },
            ownKeys: () => {
              throw new Error('trap');
            },
          },
        ),
      }),
    ],
    [
      'an error with throwing properties',
      () => ({
        err: Object.defineProperties(new Error('odd'), {
          stack: {
            get: () => {
              throw new Error('stack');
            },
          },
          extra: {
            enumerable: true,
            get: () => {
              throw new Error('extra');
            },
          },
        }),
      }),
    ],
  ])('is written once and throws nothing with %s', (_name, create) => {
    for (const redact of [[], ['a.broken', '*.secret']]) {
      logging = observeLogging({ redact });
      const extra = create();
      inSpan('work', () => {
        logging!.logger!.info(extra, 'odd');
      });
      expect(logging.line()).toMatchObject({ msg: 'odd', level: 30 });
      expect(logging.logRecords()).toHaveLength(1);
      expect(logging.spans()[0]!.events).toHaveLength(1);
      stopObserving(logging);
    }
  });

  it('is cut down when it is huge, for every sink', () => {
    logging = observeLogging();
    inSpan('work', () => {
      logging!.logger!.info(
        { blob: 'x'.repeat(5_000_000), list: Array.from({ length: 50_000 }, (_, i) => i) },
        'big',
      );
    });

    expect(logging.text[0]!.length).toBeLessThan(256 * 1024);
    expect(logging.line()).toMatchObject({ msg: 'big', truncated: true });
    expect(JSON.stringify(logging.logRecords()[0]!.attributes).length).toBeLessThan(256 * 1024);
    expect(JSON.stringify(logging.spans()[0]!.events[0]).length).toBeLessThan(64 * 1024);
  });

  it('keeps the event of a line with hundreds of fields below the size of a UDP packet', () => {
    logging = observeLogging();
    inSpan('work', () => {
      const wide = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`field${i}`, 'y'.repeat(400)]));
      logging!.logger!.info(wide, 'wide');
    });

    expect(JSON.stringify(logging.spans()[0]!.events[0]).length).toBeLessThan(65_000);
  });

  it('made while a log record is processed reaches the destination once and nothing else', () => {
    logging = observeLogging({
      processors: [
        processorThat(() => {
          logging!.logger!.info('from the processor');
        }),
      ],
    });
    logging.logger!.info('from the application');

    expect(logging.lines().map((line) => line.msg)).toEqual(['from the application', 'from the processor']);
    expect(logging.logRecords()).toHaveLength(1);
  });

  it('is written although a log record processor throws', () => {
    logging = observeLogging({
      processors: [
        processorThat(() => {
          throw new Error('processor broke');
        }),
      ],
    });
    expect(() => {
      logging!.logger!.info('still here');
    }).not.toThrow();
    expect(logging.lines().map((line) => line.msg)).toContain('still here');
  });

  it('is lost without a throw when the destination throws or logs', () => {
    const text: string[] = [];
    logging = observeLogging({
      destination: {
        write: (line) => {
          text.push(line);
          logging!.logger!.info('from the destination');
          throw new Error('disk full');
        },
      },
    });
    expect(() => {
      logging!.logger!.info('goes nowhere');
    }).not.toThrow();
    expect(text.filter((line) => line.includes('goes nowhere'))).toHaveLength(1);
    expect(text.length).toBeLessThan(10);
  });

  it('goes to the provider that is registered when the first line comes, not before', () => {
    logging = observeLogging();
    expect(logs.getLoggerProvider()).toBeDefined();
    logging.logger!.child({ context: 'A' }).info('a');
    logging.logger!.child({ context: 'B' }).info('b');

    expect(logging.logRecords().map((record) => record.instrumentationScope.name)).toEqual(['A', 'B']);
    expect(trace.getActiveSpan()).toBeUndefined();
  });
});

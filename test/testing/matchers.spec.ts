import 'nestjs-telemetry/testing/jest';

import { setTimeout } from 'node:timers/promises';

import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { getTelemetry } from 'nestjs-telemetry';
import {
  createTelemetryProbe,
  telemetryMatchers,
  type TelemetryProbe,
  telemetrySerializer,
} from 'nestjs-telemetry/testing';

const ask = (statement: string): void => {
  trace
    .getTracer('test')
    .startSpan('pg.query', {
      kind: SpanKind.CLIENT,
      attributes: { 'db.system.name': 'postgresql', 'db.query.text': statement },
    })
    .end();
};

/** The message of the error that is thrown. */
async function messageOf(fail: () => unknown): Promise<string> {
  try {
    await fail();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('the expectation did not fail');
}

describe('the matchers for expect(probe)', () => {
  const probe: TelemetryProbe = createTelemetryProbe();
  const orders = () => getTelemetry('Orders');

  beforeAll(() => probe.start());
  beforeEach(() => {
    probe.reset();
  });
  afterAll(() => probe.stop());

  const placeOrder = (): void => {
    const place = (): void => {
      const span = orders().startSpan('POST /orders', { kind: SpanKind.SERVER });
      try {
        span.run(() => {
          orders().trace('OrdersService.create', { 'order.id': '42', items: 3 }, () => {
            ask('INSERT INTO orders VALUES (?)');
          });
          throw new Error('out of stock');
        });
      } catch (error) {
        span.fail(error);
        throw error;
      } finally {
        span.end();
      }
    };
    expect(place).toThrow('out of stock');
  };

  describe('toHaveSpan()', () => {
    it('finds a span by its name, a pattern, attributes, status, kind, parent and number', () => {
      placeOrder();
      expect(probe).toHaveSpan('POST /orders');
      expect(probe).toHaveSpan(/^POST/g);
      expect(probe).toHaveSpan({ name: 'POST /orders', status: 'error', kind: 'server', parent: null });
      expect(probe).toHaveSpan({ parent: 'POST /orders', attributes: { 'order.id': '42' }, times: 1 });
      expect(probe).toHaveSpan({ name: 'pg.query', parent: /^OrdersService\./, status: 'unset' });
    });

    it('takes asymmetric matchers, patterns and undefined for attributes', () => {
      placeOrder();
      expect(probe).toHaveSpan({
        name: 'OrdersService.create',
        attributes: {
          'order.id': expect.stringMatching(/^\d+$/) as unknown,
          items: expect.any(Number) as unknown,
          'order.total': undefined,
        },
      });
      expect(probe).toHaveSpan({ attributes: { 'db.query.text': /^INSERT/ } });
      expect(probe).not.toHaveSpan({ attributes: { items: expect.any(String) } });
      expect(probe).not.toHaveSpan({ name: 'OrdersService.create', attributes: { items: undefined } });
    });

    it('fails with the nearest span, what differs, and the trace as a tree', async () => {
      placeOrder();
      const message = await messageOf(() => {
        expect(probe).toHaveSpan({
          name: 'OrdersService.create',
          status: 'error',
          attributes: { 'order.id': expect.stringMatching(/^7/) as unknown, items: 3 },
        });
      });
      expect(message).toBe(
        [
          'expect(probe).toHaveSpan({ name: "OrdersService.create", status: "error", attributes: { "order.id": StringMatching /^7/, items: 3 } })',
          '',
          'No span is like that. The nearest one, "OrdersService.create" below "POST /orders", differs in',
          '  status: expected "error", received "unset"',
          '  attributes["order.id"]: expected StringMatching /^7/, received "42"',
          '',
          'Recorded spans:',
          '',
          'POST /orders [server] ERROR out of stock',
          '└─ OrdersService.create',
          '   └─ pg.query [client]',
        ].join('\n'),
      );
    });

    it('names the span whose name is the most similar', async () => {
      placeOrder();
      const message = await messageOf(() => {
        expect(probe).toHaveSpan('OrderService.create');
      });
      expect(message).toContain('The nearest one, "OrdersService.create" below "POST /orders", differs in');
      expect(message).toContain('  name: expected "OrderService.create", received "OrdersService.create"');
    });

    it('fails with .not, naming what was found', async () => {
      placeOrder();
      const message = await messageOf(() => {
        expect(probe).not.toHaveSpan(/query/);
      });
      expect(message).toContain('expect(probe).not.toHaveSpan({ name: /query/ })');
      expect(message).toContain('Recorded, and not expected: "pg.query" below "OrdersService.create"');
    });

    it('says when nothing was recorded, when there are more, and when a span has not ended', async () => {
      expect(
        await messageOf(() => {
          expect(probe).toHaveSpan('x');
        }),
      ).toContain('No span was recorded.');
      const span = trace.getTracer('test').startSpan('slow');
      expect(
        await messageOf(() => {
          expect(probe).toHaveSpan('slow');
        }),
      ).toContain('has not ended');
      span.end();
      trace.getTracer('test').startSpan('slow').end();
      const message = await messageOf(() => {
        expect(probe).toHaveSpan({ name: 'slow', times: 1 });
      });
      expect(message).toContain('1 of them are expected, and 2 were recorded.');
    });

    it('shows long traces in part', async () => {
      for (let index = 0; index < 100; index += 1) ask(`SELECT ${index}`);
      const message = await messageOf(() => {
        expect(probe).toHaveSpan('x');
      });
      expect(message.split('\n').at(-1)).toBe('… and 40 more');
    });
  });

  describe('toHaveRecorded()', () => {
    it('finds a series by name, attributes, value and sum', async () => {
      orders().counter('found.total').add(2, { size: 'big', shop: 'a' });
      orders().histogram('found.duration').record(12, { size: 'big' });
      orders().histogram('found.duration').record(30, { size: 'big' });
      await expect(probe).toHaveRecorded('found.total');
      await expect(probe).toHaveRecorded('found.total', { attributes: { size: 'big' }, value: 2 });
      await expect(probe).toHaveRecorded(/^found\.dur/, { value: 2, sum: 42 });
      await expect(probe).toHaveRecorded('found.total', { value: expect.any(Number) });
      await expect(probe).not.toHaveRecorded('found.total', { value: 3 });
      await expect(probe).not.toHaveRecorded('found.total', { attributes: { size: 'small' } });
    });

    it('fails with the nearest series, or the nearest name', async () => {
      orders().counter('missed.total').add(2, { size: 'big' });
      orders().counter('missed.total').add(1, { size: 'small' });
      const message = await messageOf(() =>
        expect(probe).toHaveRecorded('missed.total', { attributes: { size: 'big' }, value: 5 }),
      );
      expect(message).toContain(
        'No series is like that. The nearest one differs in\n  value: expected 5, received 2\n\nRecorded series:\n' +
          '  missed.total { size: "big" } 2\n  missed.total { size: "small" } 1',
      );
      expect(await messageOf(() => expect(probe).toHaveRecorded('mised.total'))).toContain(
        'No metric of that name was recorded. The nearest name is "missed.total".',
      );
      expect(await messageOf(() => expect(probe).not.toHaveRecorded('missed.total'))).toContain(
        'expect(probe).not.toHaveRecorded("missed.total")\n\nRecorded series:',
      );
    });
  });

  describe('toHaveLogged()', () => {
    it('finds a line by its message, a pattern, or fields, and a level by its name', () => {
      orders().logWarning('stock is low', { sku: 'A-7', left: 2 });
      expect(probe).toHaveLogged('stock is low');
      expect(probe).toHaveLogged(/low$/);
      expect(probe).toHaveLogged({ level: 'warn', sku: expect.stringContaining('7'), left: 2 });
      expect(probe).not.toHaveLogged({ level: 'error' });
      expect(probe).not.toHaveLogged('stock');
    });

    it('fails with the nearest line and all lines, without ids and times', async () => {
      orders().logInfo('started');
      orders().logWarning('stock is low', { sku: 'A-7' });
      const message = await messageOf(() => {
        expect(probe).toHaveLogged({ msg: 'stock is low', level: 'error', sku: 'A-7' });
      });
      expect(message).toContain(
        'The nearest one, "stock is low", differs in\n  level: expected "error", received "warn"',
      );
      expect(message).toContain('Logged lines:\n  info "started"');
      expect(message).not.toMatch(/time|trace_id/);
      expect(
        await messageOf(() => {
          expect(probe).not.toHaveLogged('started');
        }),
      ).toContain('Logged, and not expected:\n  info "started"');
      probe.reset();
      expect(
        await messageOf(() => {
          expect(probe).toHaveLogged('started');
        }),
      ).toContain('No line was logged.');
    });

    it('names a field that is called "name" as it is, and not as the message', async () => {
      orders().logInfo('started', { name: 'pump' });
      expect(
        await messageOf(() => {
          expect(probe).toHaveLogged({ name: 'valve' });
        }),
      ).toContain('differs in\n  name: expected "valve", received "pump"');
    });
  });

  describe('toHaveNoRepeatedQueries()', () => {
    const listOrders = (times: number): void => {
      orders().trace('OrdersService.list', () => {
        for (let index = 0; index < times; index += 1) ask(`SELECT * FROM items WHERE order_id = ${index}`);
      });
    };

    it('passes for two, and fails with the statement and who issues it for three', async () => {
      listOrders(2);
      expect(probe).toHaveNoRepeatedQueries();
      expect(probe).not.toHaveNoRepeatedQueries({ times: 2 });
      probe.reset();
      listOrders(3);
      expect(
        await messageOf(() => {
          expect(probe).toHaveNoRepeatedQueries();
        }),
      ).toContain('  3 times by OrdersService.list: SELECT * FROM items WHERE order_id = ?');
      probe.reset();
      expect(
        await messageOf(() => {
          expect(probe).not.toHaveNoRepeatedQueries();
        }),
      ).toContain('None of 0 queries is repeated.');
    });
  });

  it('take a span with 150,000 children, and draw it', () => {
    const tracer = trace.getTracer('wide');
    tracer.startActiveSpan('parent', (parent) => {
      for (let child = 0; child < 150_000; child += 1) tracer.startSpan('child').end();
      parent.end();
    });
    expect(probe).toHaveSpan({ name: 'child', times: 150_000 });
    expect(probe).toStayWithin({ spans: 150_001 });
    expect(probe.traceTree().split('\n')).toHaveLength(150_001);
  });

  describe('toStayWithin()', () => {
    it('bounds queries, spans and milliseconds', async () => {
      placeOrder();
      ask('SELECT 1');
      expect(probe).toStayWithin({ queries: 2, spans: 4, ms: 60_000 });
      expect(probe).not.toStayWithin({ queries: 1 });
      expect(probe).not.toStayWithin({ spans: 3 });
      expect(probe).not.toStayWithin({ ms: 0 });
      const message = await messageOf(() => {
        expect(probe).toStayWithin({ queries: 1, spans: 10 });
      });
      expect(message).toContain('  queries: at most 1, used 2\n\nQueries:\n  1 × INSERT INTO orders');
      expect(message).not.toContain('spans: at most');
      expect(
        await messageOf(() => {
          expect(probe).not.toStayWithin({ spans: 4 });
        }),
      ).toContain('expect(probe).not.toStayWithin({ spans: 4 })\n\n  spans: at most 4, used 4');
    });
  });

  it('can be registered by hand, with the serializer of snapshots', () => {
    placeOrder();
    expect(telemetryMatchers.toHaveSpan(probe, 'pg.query').pass).toBe(true);
    expect(telemetrySerializer.test({})).toBe(false);
    expect(telemetrySerializer.test(probe) && telemetrySerializer.serialize(probe)).toBe(probe.traceTree());
  });

  it('say what is wrong with their arguments', async () => {
    const wrong = expect as unknown as (value: unknown) => Record<string, (...args: unknown[]) => unknown>;
    const problems = [
      [
        () => wrong({ spans: [] }).toHaveSpan!('x'),
        'toHaveSpan() looks into a probe, and expect() was given an object with spans.',
      ],
      [
        () => wrong(null).toHaveLogged!('x'),
        'toHaveLogged() looks into a probe, and expect() was given null.',
      ],
      [() => wrong(probe).toHaveSpan!({ atributes: {} }), 'Did you mean attributes?'],
      [
        () => wrong(probe).toHaveSpan!(),
        'expected: received undefined. Write a name, a pattern (RegExp), or an object with',
      ],
      [
        () => wrong(probe).toHaveSpan!({ status: 'failed' }),
        'expected.status: received "failed". Write one of unset, ok, error.',
      ],
      [() => wrong(probe).toHaveSpan!({ times: 0 }), 'for none, use .not'],
      [() => wrong(probe).toHaveRecorded!(7), 'metric: received 7. Write a name as a text, or a pattern'],
      [() => wrong(probe).toHaveRecorded!('x', { valu: 1 }), 'Did you mean value?'],
      [() => wrong(probe).toHaveLogged!({}), 'line: received an empty object.'],
      [() => wrong(probe).toHaveNoRepeatedQueries!({ times: 1 }), 'options.times: received 1.'],
      [() => wrong(probe).toStayWithin!({}), 'Write at least one of queries, spans and ms.'],
      [() => wrong(probe).toStayWithin!({ query: 1 }), 'There is no such option.'],
      [() => wrong(probe).toStayWithin!({ ms: -1 }), 'budget.ms: received -1.'],
    ] as const;
    for (const [fail, text] of problems) expect(await messageOf(fail)).toContain(text);
  });
});

describe('a probe that was started', () => {
  const tracer = () => trace.getTracer('test');
  const probe = createTelemetryProbe({ fixedIds: true, fixedClock: new Date('2026-01-01T00:00:00Z') });
  beforeEach(() => probe.start());
  afterEach(() => probe.stop());

  it('numbers traces and spans from 1, and its clock stands still until it is moved', async () => {
    probe.reset();
    tracer().startActiveSpan('outer', (outer) => {
      tracer().startSpan('inner').end();
      probe.advanceClock(250);
      outer.end();
    });
    const [inner, outer] = probe.spans();
    expect(outer!.spanContext()).toMatchObject({
      traceId: '1'.padStart(32, '0'),
      spanId: '1'.padStart(16, '0'),
    });
    expect(inner!.spanContext().spanId).toBe('2'.padStart(16, '0'));
    expect(outer!.startTime).toEqual([Date.UTC(2026, 0, 1) / 1_000, 0]);
    expect(outer!.duration).toEqual([0, 250_000_000]);
    expect(inner!.duration).toEqual([0, 0]);
    expect(() => {
      probe.advanceClock(Number.NaN);
    }).toThrow('advanceClock() received NaN');
    expect(() => {
      createTelemetryProbe().advanceClock(1);
    }).toThrow('Create the probe with fixedClock');
  });

  it('is written in a snapshot as its trace, without noise', () => {
    probe.reset();
    const earlier = tracer().startSpan('earlier');
    earlier.end();
    tracer().startActiveSpan('work', { links: [{ context: earlier.spanContext() }] }, (span) => {
      tracer()
        .startSpan('first', { attributes: { port: 4711, step: 'a' } })
        .end();
      tracer().startSpan('second', { kind: SpanKind.CLIENT }).setStatus({ code: SpanStatusCode.ERROR }).end();
      expect(probe.traceTree({ attributes: [/^st/] })).toContain('work (linked to earlier) (has not ended)');
      span.end();
    });
    expect(probe).toMatchInlineSnapshot(`
     earlier
     work (linked to earlier)
     ├─ first
     └─ second [client] ERROR
    `);
    expect(probe.traceTree({ attributes: ['step'] })).toContain('├─ first step="a"');
    expect(probe.traceTree({ attributes: [/^(?:port|step)$/g] })).toContain('├─ first port=4711 step="a"');
  });

  it('waits for spans that end after the answer', async () => {
    probe.reset();
    const late = tracer().startSpan('late');
    const ended = setTimeout(50).then(() => {
      late.end();
    });
    await probe.settled();
    expect(probe).toHaveSpan('late');
    await ended;
    const later = setTimeout(50).then(() => {
      tracer()
        .startSpan('later', { attributes: { id: 7 } })
        .end();
    });
    const found = await probe.waitForSpan({ name: 'later', attributes: { id: expect.any(Number) } });
    expect(found.attributes).toEqual({ id: 7 });
    await later;
  });

  it('says what it has waited for in vain', async () => {
    probe.reset();
    const open = tracer().startSpan('never ends');
    expect(await messageOf(() => probe.settled({ timeoutMs: 20 }))).toContain(
      'Spans have not ended within 20 ms: "never ends"',
    );
    open.end();
    const message = await messageOf(() => probe.waitForSpan('never end', { timeoutMs: 20 }));
    expect(message).toContain('within 20 ms: expect(probe).toHaveSpan({ name: "never end" })');
    expect(message).toContain('received "never ends"');
    expect(await messageOf(() => probe.waitForSpan({ nam: 'x' } as never))).toContain('Did you mean name?');
  });

  it('waits by the clock of the machine while the runner has replaced it', async () => {
    probe.reset();
    jest.useFakeTimers();
    try {
      tracer().startSpan('work').end();
      await probe.settled();
      await expect(probe.waitForSpan('other', { timeoutMs: 10 })).rejects.toThrow('within 10 ms');
    } finally {
      jest.useRealTimers();
    }
  });
});

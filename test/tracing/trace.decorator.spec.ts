import { PassThrough, Readable } from 'node:stream';

import { BadRequestException, InternalServerErrorException } from '@nestjs/common';
import { type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { lastValueFrom, Observable, of, throwError } from 'rxjs';

import { setWarningSink } from '../../lib/errors/warnings.js';
import { SpanAttribute } from '../../lib/tracing/span-attribute.decorator.js';
import { Trace } from '../../lib/tracing/trace.decorator.js';
import { getCurrentSpanId, getCurrentTraceId } from '../../lib/tracing/trace-context.js';
import { startTracing, type TestTracing } from '../support/start-tracing.js';

describe('@Trace()', () => {
  let tracing: TestTracing;
  beforeAll(() => {
    tracing = startTracing();
  });
  beforeEach(() => {
    tracing.reset();
  });
  afterAll(() => {
    tracing.stop();
  });

  it('names the span after class and method and the tracer after the class', () => {
    class OrderService {
      @Trace()
      process(): string {
        return 'done';
      }
    }
    expect(new OrderService().process()).toBe('done');
    expect(tracing.span('OrderService.process').instrumentationScope.name).toBe('OrderService');
  });

  it('takes name, kind, attributes, links and root from its options', () => {
    const linked = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 };
    class Payments {
      @Trace({
        name: 'charge',
        kind: SpanKind.CLIENT,
        attributes: (amount: number) => ({ amount }),
        links: [{ context: linked }],
        root: true,
      })
      charge(amount: number): number {
        return amount;
      }
    }
    const tracer = trace.getTracer('test');
    tracer.startActiveSpan('caller', (span: Span) => {
      new Payments().charge(5);
      span.end();
    });
    const span = tracing.span('charge');
    expect(span.kind).toBe(SpanKind.CLIENT);
    expect(span.attributes).toEqual({ amount: 5, 'code.function.name': 'Payments.charge' });
    expect(span.links.map((link) => link.context)).toEqual([linked]);
    expect(span.parentSpanContext).toBeUndefined();
    expect(span.spanContext().traceId).not.toBe(tracing.span('caller').spanContext().traceId);
  });

  it('makes nested calls children across await', async () => {
    class Pipeline {
      @Trace()
      async outer(): Promise<void> {
        await Promise.resolve();
        await this.inner();
      }
      @Trace()
      async inner(): Promise<void> {
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    await new Pipeline().outer();
    const inner = tracing.span('Pipeline.inner');
    expect(inner.parentSpanContext?.spanId).toBe(tracing.span('Pipeline.outer').spanContext().spanId);
  });

  it('ends when the promise of a non-async function settles, not when the function returns', async () => {
    let finish: () => void = () => undefined;
    class Slow {
      @Trace()
      wait(): Promise<void> {
        return new Promise((resolve) => (finish = resolve));
      }
    }
    const waiting = new Slow().wait();
    expect(tracing.spans()).toHaveLength(0);
    finish();
    await waiting;
    expect(tracing.spans()).toHaveLength(1);
  });

  it('records the exception and rethrows the same object when the method rejects', async () => {
    const error = new TypeError('boom');
    class Failing {
      @Trace()
      async run(): Promise<void> {
        await Promise.reject(error);
      }
    }
    await expect(new Failing().run()).rejects.toBe(error);
    const span = tracing.span('Failing.run');
    expect(span.status).toEqual({ code: SpanStatusCode.ERROR, message: 'boom' });
    expect(span.attributes['error.type']).toBe('TypeError');
    expect(span.events.map(({ name, attributes }) => [name, attributes?.['exception.message']])).toEqual([
      ['exception', 'boom'],
    ]);
  });

  it('records an exception once per trace, at the span it passed first', () => {
    class Nested {
      @Trace()
      outer(): void {
        this.inner();
      }
      @Trace()
      inner(): void {
        throw new Error('deep');
      }
    }
    expect(() => {
      new Nested().outer();
    }).toThrow('deep');
    expect(tracing.span('Nested.inner').events).toHaveLength(1);
    expect(tracing.span('Nested.outer').events).toHaveLength(0);
    expect(tracing.span('Nested.outer').status.code).toBe(SpanStatusCode.ERROR);
  });

  it.each([
    ['leaves the span unset for an HttpException below 500', new BadRequestException(), SpanStatusCode.UNSET],
    ['marks the span for an HttpException of 500', new InternalServerErrorException(), SpanStatusCode.ERROR],
    ['marks the span for a thrown string', 'text', SpanStatusCode.ERROR],
  ] as const)('%s', (_title, thrown: unknown, status) => {
    class Guarded {
      @Trace()
      run(): void {
        throw thrown;
      }
    }
    expect(() => {
      new Guarded().run();
    }).toThrow();
    expect(tracing.span('Guarded.run').status.code).toBe(status);
  });

  it('lets isError override the policy', () => {
    class Custom {
      @Trace({ isError: () => false })
      run(): void {
        throw new Error('expected');
      }
    }
    expect(() => {
      new Custom().run();
    }).toThrow('expected');
    expect(tracing.span('Custom.run').status.code).toBe(SpanStatusCode.UNSET);
  });

  it('ends once when an Observable completes, fails or is unsubscribed', async () => {
    class Streams {
      @Trace()
      completes(): Observable<number> {
        return of(1, 2);
      }
      @Trace()
      fails(): Observable<number> {
        return throwError(() => new Error('stream'));
      }
      @Trace()
      never(): Observable<number> {
        return new Observable();
      }
    }
    const streams = new Streams();
    await lastValueFrom(streams.completes());
    await expect(lastValueFrom(streams.fails())).rejects.toThrow('stream');
    streams.never().subscribe().unsubscribe();
    expect(tracing.spans().map((span) => [span.name, span.status.code])).toEqual([
      ['Streams.completes', SpanStatusCode.UNSET],
      ['Streams.fails', SpanStatusCode.ERROR],
      ['Streams.never', SpanStatusCode.UNSET],
    ]);
    expect(tracing.span('Streams.never').events.map(({ name }) => name)).toEqual(['cancelled']);
  });

  it('runs the steps of a generator in its span and ends it when the loop is left', async () => {
    class Pages {
      @Trace()
      async *read(): AsyncGenerator<string | undefined> {
        for (;;) {
          await Promise.resolve();
          yield getCurrentSpanId();
        }
      }
    }
    let seen: string | undefined;
    for await (const id of new Pages().read()) {
      seen = id;
      break;
    }
    expect(seen).toBe(tracing.span('Pages.read').spanContext().spanId);
  });

  it('covers a Node stream to its end', async () => {
    class Files {
      @Trace()
      open(): Readable {
        return Readable.from(['a', 'b']).pipe(new PassThrough());
      }
    }
    const stream = new Files().open();
    expect(tracing.spans()).toHaveLength(0);
    let text = '';
    for await (const chunk of stream) text += String(chunk);
    expect(text).toBe('ab');
    await new Promise((resolve) => setImmediate(resolve));
    expect(tracing.spans()).toHaveLength(1);
  });

  it('traces every method of a class, and a method with its own @Trace() only once', () => {
    @Trace()
    class Catalogue {
      list(): string {
        return 'list';
      }
      @Trace('lookup')
      find(): string {
        return 'find';
      }
    }
    const catalogue = new Catalogue();
    catalogue.list();
    catalogue.find();
    expect(tracing.spans().map((span) => span.name)).toEqual(['Catalogue.list', 'lookup']);
  });

  it('works on objects with private fields and keeps this', () => {
    class Vault {
      readonly #secret = 42;
      @Trace()
      open(): number {
        return this.#secret;
      }
    }
    expect(new Vault().open()).toBe(42);
  });

  it('calls the method all the same when an attribute cannot be made', () => {
    class Fragile {
      @Trace({
        attributes: () => {
          throw new Error('bad mapper');
        },
      })
      run(): string {
        return 'ran';
      }
    }
    const warnings: string[] = [];
    const restore = setWarningSink((message) => warnings.push(message));
    expect(new Fragile().run()).toBe('ran');
    restore();
    expect(tracing.span('Fragile.run').attributes).toEqual({});
    expect(warnings).toEqual([expect.stringContaining('bad mapper')]);
  });
});

describe('@SpanAttribute()', () => {
  let tracing: TestTracing;
  beforeAll(() => {
    tracing = startTracing();
  });
  afterAll(() => {
    tracing.stop();
  });

  it('copies arguments onto the span, mapped, and leaves undefined out', () => {
    class OrderService {
      @Trace()
      process(
        @SpanAttribute('order.id') id: string,
        @SpanAttribute('user.id', (user: { id: number }) => user.id) user: { id: number },
        @SpanAttribute('note') note?: string,
        @SpanAttribute('filter') filter?: object,
      ): string {
        return `${id}${String(user.id)}${note ?? ''}${JSON.stringify(filter)}`;
      }
    }
    new OrderService().process('42', { id: 7 }, undefined, { status: 'open' });
    expect(tracing.span('OrderService.process').attributes).toEqual({
      'order.id': '42',
      'user.id': 7,
      filter: '{"status":"open"}',
    });
  });
});

describe('getCurrentTraceId() and getCurrentSpanId()', () => {
  it('are undefined outside a span', () => {
    const tracing = startTracing();
    expect(getCurrentTraceId()).toBeUndefined();
    expect(getCurrentSpanId()).toBeUndefined();
    tracing.stop();
  });

  it('are the ids of the active span', () => {
    const tracing = startTracing();
    class Here {
      @Trace()
      ids(): (string | undefined)[] {
        return [getCurrentTraceId(), getCurrentSpanId()];
      }
    }
    const ids = new Here().ids();
    const { traceId, spanId } = tracing.span('Here.ids').spanContext();
    expect(ids).toEqual([traceId, spanId]);
    tracing.stop();
  });
});

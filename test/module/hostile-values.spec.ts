import 'reflect-metadata';

import { types } from 'node:util';

import { Logger as NestLogger } from '@nestjs/common';
import { context, logs, metrics, propagation, type Span, SpanStatusCode, trace } from '@opentelemetry/api';
import { SamplingDecision } from '@opentelemetry/sdk-trace';
import * as library from 'nestjs-telemetry';
import { createTelemetryProbe, type TelemetryProbe } from 'nestjs-telemetry/testing';

import { setWarningSink } from '../../lib/errors/warnings.js';
import { HOSTILE_VALUES } from '../support/hostile-values.js';

const {
  Annotate,
  annotate,
  attachTraceContext,
  BaseService,
  configureTelemetry,
  Counted,
  detachTraceContext,
  extractTraceContext,
  getCurrentSpanId,
  getCurrentTraceId,
  getTelemetry,
  injectTraceContext,
  Observed,
  SpanAttribute,
  TelemetryHealthIndicator,
  Timed,
  Trace,
  withTraceContext,
} = library;

const telemetry = getTelemetry('hostile');
const refuse = (): never => {
  throw new Error('refused');
};

/** Runs the function of the application, which must be called once and whose result and error must come out the same. */
function runs(make: (fn: (...args: unknown[]) => unknown) => unknown): void {
  const result = { of: 'the application' };
  const returning = jest.fn(() => result);
  expect(make(returning)).toBe(result);
  expect(returning).toHaveBeenCalledTimes(1);

  const error = new Error('of the application');
  const throwing = jest.fn(() => {
    throw error;
  });
  let thrown: unknown;
  try {
    make(throwing);
  } catch (caught) {
    thrown = caught;
  }
  expect(thrown).toBe(error);
  expect(throwing).toHaveBeenCalledTimes(1);
}

/** Decorates a method with what `decorate` returns and calls it with the value. */
function callsDecorated(decorate: () => MethodDecorator, value: unknown): void {
  runs((fn) => {
    class Service {
      method(...args: unknown[]): unknown {
        return fn(...args);
      }
    }
    SpanAttribute('plain')(Service.prototype, 'method', 0);
    SpanAttribute('mapped', refuse)(Service.prototype, 'method', 1);
    SpanAttribute('returned', () => value as never)(Service.prototype, 'method', 2);
    const descriptor = Object.getOwnPropertyDescriptor(Service.prototype, 'method')!;
    decorate()(Service.prototype, 'method', descriptor);
    Object.defineProperty(Service.prototype, 'method', descriptor);
    return new Service().method(value, value, value);
  });
  // What was thrown is anything, too.
  class Throwing {
    method(): unknown {
      throw value;
    }
  }
  const descriptor = Object.getOwnPropertyDescriptor(Throwing.prototype, 'method')!;
  decorate()(Throwing.prototype, 'method', descriptor);
  const thrown = thrownBy(() => (descriptor.value as () => unknown).call(value));
  // Compared without jest, which looks into what it compares.
  expect(thrown !== undefined && Object.is(thrown.value, value)).toBe(true);
}

function thrownBy(call: () => unknown): { value: unknown } | undefined {
  try {
    call();
    return undefined;
  } catch (value) {
    return { value };
  }
}

function onEachSpan(call: (span: Span) => void): void {
  using owned = telemetry.startSpan('owned');
  call(owned);
  telemetry.trace('active', call);
}

type Call = (value: never) => unknown;

/** Every public function and method, called with the value in each place. */
const CASES: Record<string, Call> = {
  'TelemetryService.trace': (value) => {
    runs((fn) => telemetry.trace(value, fn));
    runs((fn) => telemetry.trace('hostile', value, fn));
    runs((fn) => telemetry.trace('hostile', { key: value }, fn));
    const returned: unknown = telemetry.trace('hostile', () => value);
    // A promise is continued: what it rejects with is the business of whoever gets it.
    if (types.isPromise(returned)) returned.catch(() => undefined);
    else expect(Object.is(returned, value)).toBe(true);
    const thrown = thrownBy(() =>
      telemetry.trace('hostile', () => {
        throw value as unknown;
      }),
    );
    expect(thrown !== undefined && Object.is(thrown.value, value)).toBe(true);
  },
  'TelemetryService.startSpan': (value) => {
    telemetry.startSpan(value, value).end();
    telemetry
      .startSpan('hostile', { attributes: value, links: value, kind: value, root: value, startTime: value })
      .end();
    telemetry.startSpan('hostile', { isError: value }).fail(value).end();
  },
  'TelemetryHealthIndicator.isHealthy': (value) => {
    const indicator = new TelemetryHealthIndicator();
    indicator.isHealthy(value, value);
    indicator.isHealthy('hostile', { downWhen: value, details: value });
  },
  'TelemetryService.getCurrentTraceId': () => telemetry.getCurrentTraceId(),
  'TelemetryService.getCurrentSpanId': () => telemetry.getCurrentSpanId(),
  'TelemetryService.counter': (value) => {
    const counter = telemetry.counter('hostile.counter', value);
    counter.add(value, value, value);
    counter.add(1, value, value);
    counter.add(1, { key: value });
  },
  'TelemetryService.upDownCounter': (value) => {
    const counter = telemetry.upDownCounter('hostile.updown', {
      description: value,
      unit: value,
      advice: value,
    });
    counter.add(value, value, value);
    counter.add(-1, { key: value });
  },
  'TelemetryService.histogram': (value) => {
    const advice = { explicitBucketBoundaries: value };
    const histogram = telemetry.histogram('hostile.histogram', { advice, valueType: value });
    histogram.record(value, value, value);
    histogram.record(1, { key: value });
  },
  'TelemetryService.gauge': (value) => {
    telemetry.gauge('hostile.gauge', value).record(value, value, value);
    telemetry.gauge('hostile.gauge').record(1, { key: value });
  },
  'TelemetryService.observableGauge': (value) => {
    telemetry.observableGauge('hostile.observable.gauge', value);
    telemetry.observableGauge('hostile.observable.gauge', () => value);
    telemetry.observableGauge('hostile.observable.gauge', (result) => {
      result.observe(value, value);
      result.observe(1, value);
      result.observe(1, { key: value });
    });
  },
  'TelemetryService.observableCounter': (value) => {
    telemetry.observableCounter('hostile.observable.counter', () => [value, { value, attributes: value }]);
  },
  'TelemetryService.observableUpDownCounter': (value) => {
    telemetry.observableUpDownCounter('hostile.observable.updown', () => Promise.resolve(value));
    telemetry.observableUpDownCounter('hostile.observable.updown', refuse);
  },
  annotate: (value) => {
    annotate(value);
    annotate({ key: value });
    telemetry.trace('annotated', () => {
      annotate(value);
      annotate({ key: value });
    });
  },
  'TelemetryService.annotate': (value) => {
    telemetry.annotate(value);
    telemetry.trace('annotated', () => {
      telemetry.annotate({ key: value, list: [value, { value }] });
    });
  },
  Annotate: async (value) => {
    class Service {
      method(...args: unknown[]): number {
        return args.length;
      }
    }
    Annotate('plain')(Service.prototype, 'method', 0);
    Annotate('mapped', refuse)(Service.prototype, 'method', 1);
    Annotate('returned', () => value)(Service.prototype, 'method', 2);
    Annotate()(Service.prototype, 'method', 3);
    // The decorator replaces the method in a microtask.
    await Promise.resolve();
    const count = telemetry.trace('annotated', () => new Service().method(value, value, value, value));
    expect(count).toBe(4);
  },
  'TelemetryService.logDebug': (value) => {
    telemetry.logDebug(value, value);
  },
  'TelemetryService.logInfo': (value) => {
    telemetry.logInfo(value);
    telemetry.logInfo('hostile', value);
    telemetry.logInfo('hostile', { key: value });
  },
  'TelemetryService.logWarning': (value) => {
    telemetry.logWarning(value, value);
  },
  'TelemetryService.logError': (value) => {
    telemetry.logError(value, value);
    telemetry.logError('hostile', { err: value });
  },
  'TelemetrySpan.run': () => {
    using span = telemetry.startSpan('hostile');
    runs((fn) => span.run(fn));
  },
  'TelemetrySpan.activate': () => {
    telemetry.startSpan('hostile').activate().end();
  },
  'TelemetrySpan.fail': (value) => {
    telemetry.startSpan('hostile').fail(value).end();
    telemetry.startSpan('hostile', { isError: refuse }).fail(value).end();
    telemetry
      .startSpan('hostile', { isError: () => value })
      .fail(value)
      .end();
  },
  'TelemetrySpan.spanContext': () => telemetry.startSpan('hostile').spanContext(),
  'TelemetrySpan.isRecording': () => telemetry.startSpan('hostile').isRecording(),
  'TelemetrySpan.setAttribute': (value) => {
    onEachSpan((span) => span.setAttribute('key', value).setAttribute(value, 'text'));
  },
  'TelemetrySpan.setAttributes': (value) => {
    onEachSpan((span) => span.setAttributes(value).setAttributes({ key: value }));
  },
  'TelemetrySpan.addEvent': (value) => {
    onEachSpan((span) => span.addEvent(value, value, value).addEvent('event', { key: value }, value));
  },
  'TelemetrySpan.addLink': (value) => {
    onEachSpan((span) => span.addLink(value).addLink({ context: value, attributes: value }));
  },
  'TelemetrySpan.addLinks': (value) => {
    onEachSpan((span) => span.addLinks(value).addLinks([value]));
  },
  'TelemetrySpan.setStatus': (value) => {
    onEachSpan((span) => span.setStatus(value).setStatus({ code: SpanStatusCode.ERROR, message: value }));
  },
  'TelemetrySpan.updateName': (value) => {
    onEachSpan((span) => span.updateName(value));
  },
  'TelemetrySpan.recordException': (value) => {
    onEachSpan((span) => {
      span.recordException(value, value);
    });
  },
  'TelemetrySpan.end': (value) => {
    onEachSpan((span) => {
      span.end(value);
    });
  },
  Trace: (value) => {
    callsDecorated(() => Trace(value), value);
    callsDecorated(
      () => Trace({ name: value, kind: value, root: value, attributes: value, links: value }),
      value,
    );
    callsDecorated(() => Trace({ attributes: () => value, links: () => value, isError: () => value }), value);
    callsDecorated(
      () => Trace({ attributes: () => ({ key: value }), links: () => [value], isError: value }),
      value,
    );
    callsDecorated(() => Trace({ attributes: refuse, links: refuse, isError: refuse }), value);
  },
  Counted: (value) => {
    callsDecorated(() => Counted({ description: value, attributes: value, buckets: value }), value);
    callsDecorated(() => Counted({ attributes: () => value }), value);
    callsDecorated(() => Counted({ attributes: () => ({ key: value }) }), value);
    callsDecorated(() => Counted({ attributes: refuse }), value);
  },
  Timed: (value) => {
    callsDecorated(() => Timed({ description: value, attributes: value, buckets: value }), value);
    callsDecorated(() => Timed({ attributes: () => ({ key: value }) }), value);
  },
  Observed: (value) => {
    callsDecorated(() => Observed(value), value);
    callsDecorated(() => Observed({ attributes: () => ({ key: value }), isError: refuse }), value);
  },
  SpanAttribute: (value) => {
    callsDecorated(() => Trace(), value);
  },
  getTelemetry: (value) => getTelemetry(value).name,
  getCurrentTraceId: () => getCurrentTraceId(),
  getCurrentSpanId: () => getCurrentSpanId(),
  InjectTelemetry: (value) => library.InjectTelemetry(value),
  injectTraceContext: (value) => {
    expect(Object.is(injectTraceContext(value), value)).toBe(true);
    injectTraceContext({}, value);
    injectTraceContext(Object.freeze({}));
  },
  extractTraceContext: (value) => {
    for (const key of ['traceparent', 'tracestate', 'baggage', 'TraceParent'])
      withTraceContext(extractTraceContext({ [key]: value }), () => 1);
    extractTraceContext(value);
    extractTraceContext(new Map([['traceparent', value]]));
  },
  attachTraceContext: (value) => {
    detachTraceContext(attachTraceContext(value));
  },
  detachTraceContext: (value) => {
    detachTraceContext(value);
  },
  withTraceContext: (value) => {
    runs((fn) => withTraceContext(value, fn));
    withTraceContext(value, () => telemetry.trace('below', () => 1));
  },
  instrumentFastify: (value) => {
    library.instrumentFastify(value)();
  },
  instrumentExpress: (value) => {
    library.instrumentExpress(value)();
  },
  instrumentPg: (value) => {
    library.instrumentPg(value)();
  },
  instrumentRedis: (value) => {
    library.instrumentRedis(value)();
  },
  instrumentMongodb: (value) => {
    library.instrumentMongodb(value)();
  },
  instrumentHttp: () => {
    library.instrumentHttp()();
  },
  instrumentMysql: () => {
    library.instrumentMysql()();
  },
  instrument: (value) => {
    library.instrument(value)();
    library.instrument('pg', value)();
  },
  instrumentAll: () => {
    library.instrumentAll()();
  },
  'trace API': (value) => {
    const tracer = trace.getTracer(value, value);
    tracer.startSpan(value, value, value).end(value);
    tracer.startSpan('hostile', { attributes: { key: value }, links: [value] }).end();
    runs((fn) => tracer.startActiveSpan('hostile', value, value, fn));
    context.with(value, () => {
      tracer.startSpan('below').end();
    });
    context.with(trace.setSpanContext(context.active(), value), () => {
      tracer.startSpan('below').end();
    });
  },
  'metrics API': (value) => {
    const meter = metrics.getMeter(value, value, value);
    meter.createCounter(value, value).add(value, value, value);
    meter.createHistogram('api.histogram', value).record(1, value);
    meter.createUpDownCounter('api.updown').add(1, { key: value });
    meter.createGauge('api.gauge').record(value, { key: value });
    const observable = meter.createObservableGauge('api.observable', value);
    observable.addCallback(value);
    observable.addCallback((result) => {
      result.observe(value, value);
      result.observe(1, { key: value });
    });
    observable.addCallback(refuse);
    observable.addCallback(() => value);
    observable.removeCallback(value);
    meter.addBatchObservableCallback(value, value);
    meter.addBatchObservableCallback(
      (result) => {
        result.observe(value, 1, value);
        result.observe(observable, value, value);
        result.observe(observable, 1, { key: value });
      },
      [observable],
    );
    meter.removeBatchObservableCallback(value, value);
  },
  'logs API': (value) => {
    const logger = logs.getLogger(value, value);
    logger.emit(value);
    logger.emit({
      body: value,
      attributes: value,
      severityNumber: value,
      severityText: value,
      eventName: value,
    });
    logger.emit({ timestamp: value, observedTimestamp: value, context: value, exception: value });
    logger.emit({ body: 'hostile', attributes: { key: value } });
  },
  'propagation API': (value) => {
    const baggage = propagation.createBaggage({ key: { value: 'plain' } });
    injectTraceContext({}, propagation.setBaggage(context.active(), baggage));
    injectTraceContext({}, propagation.setBaggage(context.active(), value));
  },
  "Nest's Logger": (value) => {
    const logger = new NestLogger('hostile');
    logger.log(value, value);
    logger.error(value, value, value);
    logger.warn('hostile', value);
  },
};

/** Not called with values: what starts telemetry answers a wrong option with a TelemetryError. */
const ELSEWHERE = new Set([
  'configureTelemetry',
  'TelemetryModule.onModuleInit',
  'TelemetryModule.onModuleDestroy',
  'TelemetryModule.onApplicationShutdown',
  'TelemetryService.flush',
]);

/** Every function, and every method of every class, that `lib/index.ts` exports. */
function publicSurface(): string[] {
  return Object.entries(library as Record<string, unknown>).flatMap(([name, exported]) => {
    if (typeof exported !== 'function') return [];
    const methods = prototypesOf(exported).flatMap((prototype) =>
      Object.getOwnPropertyNames(prototype).filter((key) => {
        const descriptor = Object.getOwnPropertyDescriptor(prototype, key);
        return key !== 'constructor' && typeof descriptor?.value === 'function';
      }),
    );
    const isClass = exported.toString().startsWith('class');
    // Private methods of TypeScript are methods like any other here.
    return isClass ? methods.map((method) => `${name}.${method}`) : [name];
  });
}

/** Of a class and those that it extends, without the classes of the language. */
function prototypesOf(exported: object): object[] {
  const { prototype } = exported as { readonly prototype?: object };
  if (prototype === undefined || Function.prototype.toString.call(exported).includes('[native code]'))
    return [];
  return [prototype, ...prototypesOf(Object.getPrototypeOf(exported) as object)];
}

const PRIVATE = new Set([
  'TelemetrySpan.attempt',
  'TelemetryService.writeObserved',
  'TelemetryService.write',
  'TelemetryService.writeText',
]);

describe('the public surface', () => {
  it('has a case for each function and method', () => {
    const missing = publicSurface().filter(
      (name) => !(name in CASES) && !ELSEWHERE.has(name) && !PRIVATE.has(name),
    );
    expect(missing).toEqual([]);
    expect(BaseService).toBeDefined();
  });
});

describe.each(['fast', 'sdk'] as const)('every public function on the engine "%s"', (engine) => {
  let probe: TelemetryProbe;
  let stop: () => Promise<void>;
  let restoreSink: () => void;
  const unhandled = jest.fn();

  beforeAll(() => {
    restoreSink = setWarningSink(() => undefined);
    process.on('unhandledRejection', unhandled);
    probe = createTelemetryProbe();
    const { spanProcessors = [], ...options } = probe.options;
    const running = configureTelemetry({
      ...options,
      engine,
      serviceName: 'hostile',
      instrumentation: false,
      // What the application brings throws wherever it can, beside what works.
      spanProcessors: [
        { onStart: refuse, onEnding: refuse, onEnd: refuse, forceFlush: refuse, shutdown: refuse },
        ...spanProcessors,
      ],
      logRecordProcessors: [
        ...(options.logRecordProcessors ?? []),
        { onEmit: refuse, forceFlush: refuse, shutdown: refuse },
      ],
      sampling: {
        sampler: {
          shouldSample: (_context: unknown, _traceId: unknown, name: string) => {
            if (name === 'refused') refuse();
            return { decision: SamplingDecision.RECORD_AND_SAMPLED };
          },
          toString: refuse,
        },
      },
    });
    stop = () => running.shutdown();
  });
  afterAll(async () => {
    await stop();
    process.off('unhandledRejection', unhandled);
    restoreSink();
  });

  it.each(Object.keys(CASES))('%s throws nothing, with any value', async (name) => {
    const call = CASES[name]!;
    // What takes no value is called once.
    for (const { name: value, make } of call.length === 0 ? HOSTILE_VALUES.slice(0, 1) : HOSTILE_VALUES) {
      probe.reset();
      let returned: unknown;
      const thrown = thrownBy(() => (returned = call(make() as never)));
      if (thrown !== undefined) throw new Error(`given ${value}`, { cause: thrown.value });
      // Only a case of this file that is async; what an application returns may be any thenable.
      if (types.isPromise(returned)) await returned;
    }
    // No bound of time is asserted here: a loaded machine is several times slower.
  });

  it('reads options by name, as a text or buffer given by accident has 100,000s of members', () => {
    const ownKeys = jest.fn(Reflect.ownKeys);
    const options = new Proxy({ kind: 2 }, { ownKeys });
    const span = trace.getTracer('hostile').startSpan('options', options);
    span.end();

    expect(probe.span('options').kind).toBe(2);
    expect(ownKeys).not.toHaveBeenCalled();
  });

  it('runs what a sampler that throws is asked about', () => {
    runs((fn) => telemetry.trace('refused', fn));
  });

  it('still records, exports and collects what is fine', async () => {
    probe.reset();
    telemetry.trace('fine', { key: 'value' }, () => {
      telemetry.counter('fine.counter').add(2, { key: 'value' });
      telemetry.logInfo('fine');
    });

    expect(probe.span('fine').attributes).toEqual({ key: 'value' });
    expect(await probe.metricValue('fine.counter', { key: 'value' })).toBe(2);
    expect(probe.logLines().map(({ msg }) => msg)).toContain('fine');
    expect(probe.logRecords().map(({ body }) => body)).toContain('fine');
    expect(unhandled).not.toHaveBeenCalled();
  });

  it('counts a measurement under labels that every sink can write', async () => {
    const values = {
      id: 5n,
      kind: Symbol('order'),
      at: new Date(0),
      list: ['a', 1],
      none: null,
      gone: undefined,
      fn: refuse,
    };
    telemetry.counter('labelled').add(1, values);
    telemetry.counter('labelled').add(2n as never, Object.freeze({ id: 5n }));
    telemetry.counter('labelled').add(Number.NaN);

    const metric = await probe.metric('labelled');
    expect(metric?.dataPoints.map(({ attributes, value }) => ({ attributes, value }))).toEqual([
      {
        attributes: { id: '5', kind: 'Symbol(order)', at: '1970-01-01T00:00:00.000Z', list: ['a', 1] },
        value: 1,
      },
      { attributes: { id: '5' }, value: 2 },
    ]);
  });
});

import { Inject, Injectable, type Provider, Scope, type Type } from '@nestjs/common';
import { INQUIRER } from '@nestjs/core';
import {
  type Attributes,
  type Counter,
  type Gauge,
  type Histogram,
  type MetricOptions,
  type Span,
  type SpanOptions,
  type Tracer,
  type UpDownCounter,
} from '@opentelemetry/api';

import { readSafely, textOf } from '../engine/copy-bounded.js';
import { TelemetryLogger } from '../logging/telemetry-logger.js';
import {
  counter,
  gauge,
  histogram,
  observableCounter,
  observableGauge,
  observableUpDownCounter,
  upDownCounter,
} from '../metrics/instruments.js';
import { type ObserveCallback, type ObserveRegistration } from '../metrics/observable-handle.js';
import { processWide } from '../process/process-wide.js';
import { currentRuntime, type FlushOptions } from '../runtime/sdk-runtime.js';
import { tracerFor } from '../runtime/tracers.js';
import { annotate } from '../tracing/annotate.js';
import type { ErrorPredicate } from '../tracing/error-policy.js';
import { runInSpan, startSpanSafely } from '../tracing/run-in-span.js';
import { TelemetrySpan } from '../tracing/telemetry-span.js';
import { getCurrentSpanId, getCurrentTraceId } from '../tracing/trace-context.js';
import { type TelemetryControl, telemetryControl } from './run-time-control.js';

/** Options of `startSpan()`. */
export interface TelemetrySpanOptions extends SpanOptions {
  /** Whether a thrown value marks the span; default: all but an `HttpException` below 500. */
  isError?: ErrorPredicate;
}

/**
 * Tracing, metrics and logging under one name: that of the class that injects it, or of
 * `@InjectTelemetry(name)` or `getTelemetry(name)`. Before the start and after the shutdown spans
 * and measurements are dropped, and log lines are still written.
 *
 * @example
 * constructor(private readonly telemetry: TelemetryService) {}
 *
 * users() {
 *   return this.telemetry.trace('database_query_users', { table: 'users' }, () => this.db.users());
 * }
 */
@Injectable({ scope: Scope.TRANSIENT })
export class TelemetryService extends TelemetryLogger {
  constructor(@Inject(INQUIRER) owner: object | string | undefined) {
    super(typeof owner === 'string' ? owner : nameOfOwner(owner));
  }

  /** The OpenTelemetry tracer. Read it when it is needed: a restart of telemetry replaces it. */
  get tracer(): Tracer {
    return tracerFor(this.name);
  }

  /**
   * Runs `fn` in a span called `name` and returns its result. The span lasts until a promise,
   * Observable, iterator or stream ends; an error is recorded and rethrown.
   */
  trace<T>(name: string, fn: (span: Span) => T): T;
  trace<T>(name: string, attributes: Attributes, fn: (span: Span) => T): T;
  trace<T>(name: string, attributesOrFn: Attributes | ((span: Span) => T), maybeFn?: (span: Span) => T): T {
    if (maybeFn !== undefined)
      return runInSpan(this.tracer, name, { attributes: attributesOrFn as Attributes }, maybeFn);
    if (typeof attributesOrFn === 'function') return runInSpan(this.tracer, name, {}, attributesOrFn);
    throw new TypeError(`trace('${textOf(name, 100)}', attributes, fn): fn is missing`);
  }

  /**
   * Starts a span that the caller ends, best by `using span = telemetry.startSpan('import')`. It is
   * not the active span: children are made in `span.run(fn)`.
   */
  startSpan(name: string, options: TelemetrySpanOptions = {}): TelemetrySpan {
    const isError = readSafely(() => options.isError);
    return new TelemetrySpan(
      startSpanSafely(this.tracer, name, options),
      typeof isError === 'function' ? (isError as ErrorPredicate) : undefined,
    );
  }

  /**
   * Puts fields on the span of the current request, message or job, however deep in spans the caller
   * is, and on the line of a request. Objects become dotted keys: `{ user: { plan } }` is
   * `user.plan`.
   *
   * At most 64 fields for each request, texts of at most 1,024 characters; without any open span they
   * are dropped, with one warning. Never throws.
   *
   * @example
   * this.telemetry.annotate({ 'cart.items': cart.items.length, user: { plan: user.plan } });
   */
  annotate(fields: Readonly<Record<string, unknown>>): void {
    annotate(fields);
  }

  /** Id of the active trace, 32 hexadecimal digits; undefined outside a span. */
  getCurrentTraceId(): string | undefined {
    return getCurrentTraceId();
  }

  /** Id of the active span, 16 hexadecimal digits; undefined outside a span. */
  getCurrentSpanId(): string | undefined {
    return getCurrentSpanId();
  }

  /**
   * A sum that only grows: requests, errors. The same name gives the same instrument.
   *
   * @throws TelemetryError `TELEMETRY_INVALID_INSTRUMENT` for a name OpenTelemetry does not allow
   */
  counter(name: string, options?: MetricOptions): Counter {
    return counter(this.name, name, options);
  }

  /** A sum that grows and shrinks: open connections, queue length. */
  upDownCounter(name: string, options?: MetricOptions): UpDownCounter {
    return upDownCounter(this.name, name, options);
  }

  /** A distribution: latency, size. Buckets: `advice`, by default OpenTelemetry's (5 to 10,000). */
  histogram(name: string, options?: MetricOptions): Histogram {
    return histogram(this.name, name, options);
  }

  /** A value that is set where it changes: a temperature, a configured limit. */
  gauge(name: string, options?: MetricOptions): Gauge {
    return gauge(this.name, name, options);
  }

  /**
   * A value that is read when metrics are collected.
   *
   * @param callback stays until `remove()` of the result: a service that ends before the process
   *   calls that in `onModuleDestroy`. The same function is added once.
   */
  observableGauge(name: string, callback: ObserveCallback, options?: MetricOptions): ObserveRegistration {
    return observableGauge(this.name, name, callback, options);
  }

  /** A growing sum that is read when metrics are collected. */
  observableCounter(name: string, callback: ObserveCallback, options?: MetricOptions): ObserveRegistration {
    return observableCounter(this.name, name, callback, options);
  }

  /** A sum that grows and shrinks and is read when metrics are collected. */
  observableUpDownCounter(
    name: string,
    callback: ObserveCallback,
    options?: MetricOptions,
  ): ObserveRegistration {
    return observableUpDownCounter(this.name, name, callback, options);
  }

  /**
   * Changes the log level, the sampling ratio and the recorded providers of this process for a time,
   * without a restart.
   */
  get control(): TelemetryControl {
    return telemetryControl;
  }

  /**
   * Sends the buffered spans, log records and metrics of all services now: at the end of a job, or
   * before a function is frozen. Never rejects.
   *
   * @param options `timeoutMs`: longest time in milliseconds, default `shutdownTimeoutMs`
   * @returns whether all of it was accepted in time; true without telemetry
   */
  flush(options?: FlushOptions): Promise<boolean> {
    return currentRuntime()?.flush(options) ?? Promise.resolve(true);
  }
}

/** The class that injects the service; anything may ask for one by hand. */
function nameOfOwner(owner: unknown): string {
  const name = readSafely(() => (owner as object | null | undefined)?.constructor.name);
  return typeof name === 'string' && name !== '' ? name : 'Telemetry';
}

/** Classes and names that copies of this package in this process inject, as providers. */
export const injected = processWide('injected', () => ({
  /** The `TelemetryService` of each copy. */
  classes: new Set<Type<unknown>>(),
  /** Names of `@InjectTelemetry(name)`. */
  names: new Set<string>(),
}));
injected.classes.add(TelemetryService);

/**
 * One provider for each copy of this class: a library that was built against the CommonJS copy
 * injects its telemetry from the module that the application imported as ESM.
 */
export function createTelemetryServiceProviders(): Provider[] {
  return [...injected.classes].map((provide) => ({
    provide,
    scope: Scope.TRANSIENT,
    inject: [INQUIRER],
    useFactory: (owner: object | undefined) => new TelemetryService(owner),
  }));
}

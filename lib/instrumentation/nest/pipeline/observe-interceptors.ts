import { type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { InterceptorsConsumer } from '@nestjs/core/interceptors/interceptors-consumer.js';
import { defer, isObservable, type Observable, tap } from 'rxjs';

import { followResult } from '../../../invocation/follow-result.js';
import { patch } from '../../../invocation/patch.js';
import { type ResultObserver } from '../../../invocation/settlement.js';
import { type Undo } from '../../../process/undo-all.js';
import {
  activePipeline,
  type EnhancerOrigin,
  INTERCEPTOR_AFTER,
  INTERCEPTOR_BEFORE,
  originOf,
  type PipelineRecord,
} from './pipeline-record.js';

type Intercept = InterceptorsConsumer['intercept'];
type Interceptor = Parameters<Intercept>[0][number];

/** Times interceptors before and after what they surround; returns the undo. */
export function observeInterceptors(): Undo {
  return patch(InterceptorsConsumer.prototype, 'intercept', (original) => {
    const observing = function (
      this: InterceptorsConsumer,
      ...args: Parameters<Intercept>
    ): Promise<unknown> {
      const [interceptors, values, instance, callback, next, type] = args;
      // NestJS comes here on every request, mostly with none; some libraries without a list.
      if (!((interceptors as Interceptor[] | undefined)?.length ?? 0)) return original.apply(this, args);
      const record = activePipeline();
      if (record === undefined) return original.apply(this, args);
      const call: InterceptedCall = { record, outside: interceptors.length };
      const observed = interceptors.map(
        (each, index) =>
          new ObservedInterceptor(each, originOf(each, instance.constructor), call, index === 0),
      );
      return original.call(this, observed, values, instance, callback, next, type);
    };
    return observing as Intercept;
  });
}

type Intercepted = Observable<unknown> | Promise<Observable<unknown>>;

/** What the interceptors of one call share. */
interface InterceptedCall {
  readonly record: PipelineRecord;
  /** How many of them have not subscribed to what is inside. */
  outside: number;
}

const NOTHING = Symbol('nothing was thrown');

/**
 * Stands in for one interceptor during one call. Its time before lasts until it subscribes to
 * `next.handle()`, its time after from the end of that to the end of the Observable that it returns: what is
 * inside counts for neither, and the times of several add up.
 */
class ObservedInterceptor implements NestInterceptor, ResultObserver {
  private startedAt = 0;
  private innerStarted = false;
  private innerEndedAt: number | undefined;
  private innerError: unknown = NOTHING;

  constructor(
    private readonly interceptor: NestInterceptor,
    private readonly origin: EnhancerOrigin,
    private readonly call: InterceptedCall,
    private readonly isOutermost: boolean,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Intercepted {
    this.startedAt = performance.now();
    let result: Intercepted;
    try {
      result = (this.interceptor as NestInterceptor<unknown, unknown>).intercept(context, {
        handle: () => this.watchInner(next.handle()),
      });
    } catch (error) {
      this.fail(error);
      throw error;
    }
    return isObservable(result) ? followResult(result, this) : this.watchPromise(result);
  }

  /** As lazy as what it stands in for: nothing inside runs before the subscription. */
  private watchInner(inner: Observable<unknown>): Observable<unknown> {
    return defer(() => {
      this.startInner();
      return inner.pipe(
        tap({
          complete: () => {
            this.innerEndedAt = performance.now();
          },
          error: (error: unknown) => {
            this.innerEndedAt = performance.now();
            this.innerError = error;
          },
        }),
      );
    });
  }

  private startInner(): void {
    if (this.innerStarted) return;
    this.innerStarted = true;
    const { record } = this.call;
    record.took(INTERCEPTOR_BEFORE, this.origin, this.startedAt, performance.now());
    this.call.outside -= 1;
    if (this.call.outside === 0) record.write(INTERCEPTOR_BEFORE);
  }

  private async watchPromise(promise: Promise<Observable<unknown>>): Promise<Observable<unknown>> {
    let result: Observable<unknown>;
    try {
      result = await promise;
    } catch (error) {
      this.fail(error);
      throw error;
    }
    // NestJS throws for any other result.
    return isObservable(result) ? followResult(result, this) : result;
  }

  onSuccess(): void {
    const { record } = this.call;
    const endedAt = performance.now();
    if (this.innerEndedAt !== undefined)
      record.took(INTERCEPTOR_AFTER, this.origin, this.innerEndedAt, endedAt);
    // A cached answer, for one: what is inside never ran.
    else if (!this.innerStarted) record.took(INTERCEPTOR_BEFORE, this.origin, this.startedAt, endedAt);
    this.end();
  }

  onError(error: unknown): void {
    // An error of what is inside only passes by.
    if (error === this.innerError) this.onSuccess();
    else this.fail(error);
  }

  private fail(error: unknown): void {
    const stage = this.innerStarted ? INTERCEPTOR_AFTER : INTERCEPTOR_BEFORE;
    const since = this.innerEndedAt ?? (this.innerStarted ? performance.now() : this.startedAt);
    this.call.record.failed(stage, this.origin, since, error);
    this.end();
  }

  private end(): void {
    if (!this.isOutermost) return;
    const { record, outside } = this.call;
    if (outside > 0) record.write(INTERCEPTOR_BEFORE);
    record.write(INTERCEPTOR_AFTER);
  }
}

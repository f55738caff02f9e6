import { type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { InterceptorsConsumer } from '@nestjs/core/interceptors/interceptors-consumer.js';
import { defer, isObservable, type Observable, tap } from 'rxjs';

import { followResult } from '../../../invocation/follow-result.js';
import { patch } from '../../../invocation/patch.js';
import {
  activePipeline,
  INTERCEPTOR_AFTER,
  INTERCEPTOR_BEFORE,
  originOf,
  type PipelineRecord,
} from './pipeline-record.js';

type Intercept = InterceptorsConsumer['intercept'];
type Interceptor = Parameters<Intercept>[0][number];

/**
 * Times the interceptors of every pipeline, before and after what they surround; returns the undo.
 */
export function observeInterceptors(): () => void {
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
      const observed = observe(record, interceptors, instance.constructor);
      return original.call(this, observed, values, instance, callback, next, type);
    };
    return observing as Intercept;
  });
}

function observe(record: PipelineRecord, interceptors: readonly Interceptor[], user: object): Interceptor[] {
  let outside = interceptors.length;
  return interceptors.map(
    (interceptor, index) =>
      new ObservedInterceptor(interceptor, record, user, {
        onInnerStart: () => {
          outside -= 1;
          if (outside === 0) record.write(INTERCEPTOR_BEFORE);
        },
        onEnd: () => {
          if (index !== 0) return;
          if (outside > 0) record.write(INTERCEPTOR_BEFORE);
          record.write(INTERCEPTOR_AFTER);
        },
      }),
  );
}

type Intercepted = Observable<unknown> | Promise<Observable<unknown>>;

/** Told about the two moments that matter to the interceptors around this one. */
interface InterceptorListener {
  /** What is inside was subscribed to for the first time. */
  onInnerStart(): void;
  /** The interceptor has nothing more to do. */
  onEnd(): void;
}

const NOTHING = Symbol('nothing was thrown');

/**
 * Stands in for one interceptor during one call. What it took before is the time until it
 * subscribes to `next.handle()`, what it took after the time from the end of that to the end of its
 * own Observable; so what is inside counts for neither, and the times of several add up.
 */
class ObservedInterceptor implements NestInterceptor {
  private startedAt = 0;
  private innerStarted = false;
  private innerEndedAt: number | undefined;
  private innerError: unknown = NOTHING;

  constructor(
    private readonly interceptor: NestInterceptor,
    private readonly record: PipelineRecord,
    private readonly user: object,
    private readonly listener: InterceptorListener,
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
    return isObservable(result) ? this.watchOuter(result) : this.watchPromise(result);
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
    this.record.took(
      INTERCEPTOR_BEFORE,
      originOf(this.interceptor, this.user),
      this.startedAt,
      performance.now(),
    );
    this.listener.onInnerStart();
  }

  private watchOuter(outer: Observable<unknown>): Observable<unknown> {
    return followResult(outer, {
      onSuccess: () => {
        this.end();
      },
      onError: (error) => {
        // An error of what is inside only passes by.
        if (error === this.innerError) this.end();
        else this.fail(error);
      },
    });
  }

  private async watchPromise(promise: Promise<Observable<unknown>>): Promise<Observable<unknown>> {
    let result: Observable<unknown>;
    try {
      result = await promise;
    } catch (error) {
      this.fail(error);
      throw error;
    }
    // Whatever else it is, NestJS says so.
    return isObservable(result) ? this.watchOuter(result) : result;
  }

  private end(): void {
    const origin = originOf(this.interceptor, this.user);
    const endedAt = performance.now();
    if (this.innerEndedAt !== undefined)
      this.record.took(INTERCEPTOR_AFTER, origin, this.innerEndedAt, endedAt);
    // A cached answer, for one: what is inside never ran.
    else if (!this.innerStarted) this.record.took(INTERCEPTOR_BEFORE, origin, this.startedAt, endedAt);
    this.listener.onEnd();
  }

  private fail(error: unknown): void {
    const origin = originOf(this.interceptor, this.user);
    const after = this.innerEndedAt !== undefined;
    const stage = after || this.innerStarted ? INTERCEPTOR_AFTER : INTERCEPTOR_BEFORE;
    this.record.failed(
      stage,
      origin,
      this.innerEndedAt ?? (this.innerStarted ? performance.now() : this.startedAt),
      error,
    );
    this.listener.onEnd();
  }
}

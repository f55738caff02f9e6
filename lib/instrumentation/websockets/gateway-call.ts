import {
  type Attributes,
  type Context,
  context,
  createContextKey,
  type Link,
  type Span,
  type SpanKind,
  trace,
} from '@opentelemetry/api';
import { isObservable, tap } from 'rxjs';

import { type ResultObserver } from '../../invocation/settlement.js';
import { endRequestScope, runInRequestScope, withRequestScope } from '../../logging/request-scope.js';
import { tracerFor } from '../../runtime/tracers.js';
import { errorTypeOf, isSpanError, recordFailure } from '../../tracing/error-policy.js';
import { followAnswer } from '../nest/follow-answer.js';
import {
  type ExceptionFiltersContextLike,
  type ExceptionHandlerLike,
  type WsProxyLike,
} from './observe-controller.js';

const SCOPE = 'nestjs-telemetry/websockets';
const CALL = createContextKey('nestjs-telemetry gateway call');

/** What every call of one handler has in common. */
export interface GatewayHandler {
  readonly spanName: string;
  readonly kind: SpanKind;
  readonly attributes: Attributes;
  onEnd?(call: FinishedGatewayCall): void;
}

interface FinishedGatewayCall {
  readonly durationSeconds: number;
  /** undefined unless the error policy counts it as failed. */
  readonly errorType: string | undefined;
  readonly context: Context;
}

/**
 * One call of a gateway from outside, in its own trace: a connection lives for hours, and so
 * would a trace of everything on it. Ends with its answer.
 */
export class GatewayCall implements ResultObserver {
  private failure: { readonly error: unknown } | undefined;
  private readonly startedAt = performance.now();
  private readonly span: Span;
  private readonly context: Context;

  private constructor(
    private readonly handler: GatewayHandler,
    links: Link[],
  ) {
    const { spanName, kind, attributes } = handler;
    const caller = withRequestScope(context.active());
    this.span = tracerFor(SCOPE).startSpan(spanName, { kind, attributes, links, root: true }, caller);
    this.context = trace.setSpan(caller, this.span).setValue(CALL, this);
  }

  /** The call that runs now; undefined outside one. */
  static active(): GatewayCall | undefined {
    return context.active().getValue(CALL) as GatewayCall | undefined;
  }

  static run(handler: GatewayHandler, links: Link[], fn: () => unknown): unknown {
    const call = new GatewayCall(handler, links);
    return followAnswer(() => context.with(call.context, runInRequestScope, undefined, fn), call);
  }

  /**
   * Notes what the handler threw: exception filters answer it, so the call itself does not fail.
   * The first one counts.
   */
  noteFailure(error: unknown): void {
    this.failure ??= { error };
  }

  run<R>(step: () => R): R {
    return context.with(this.context, step);
  }

  onSuccess(): void {
    const { failure, span, handler } = this;
    if (failure !== undefined) recordFailure(span, failure.error);
    handler.onEnd?.({
      durationSeconds: (performance.now() - this.startedAt) / 1000,
      errorType: failure !== undefined && isSpanError(failure.error) ? errorTypeOf(failure.error) : undefined,
      context: this.context,
    });
    span.end();
    endRequestScope(this.context);
  }

  onError(error: unknown): void {
    this.noteFailure(error);
    this.onSuccess();
  }

  onCancel(): void {
    this.span.addEvent('cancelled');
    this.onSuccess();
  }
}

/**
 * A proxy factory that works as `proxy` does, and reports to the running call what is thrown before
 * an exception filter turns it into a message.
 */
export function withFailuresNoted(proxy: WsProxyLike): WsProxyLike {
  const derived = Object.create(proxy) as WsProxyLike;
  derived.create = (target, ...rest) =>
    proxy.create(
      async (...args) => {
        const call = GatewayCall.active();
        if (call === undefined) return target(...args);
        const note = (error: unknown): void => {
          call.noteFailure(error);
        };
        try {
          const result = await target(...args);
          return isObservable(result) ? result.pipe(tap({ error: note })) : result;
        } catch (error) {
          note(error);
          throw error;
        }
      },
      ...rest,
    );
  return derived;
}

/** Exception handlers that report to the running call the exceptions they handle. */
export function withHandlersNoting(filters: ExceptionFiltersContextLike): ExceptionFiltersContextLike {
  const derived = Object.create(filters) as ExceptionFiltersContextLike;
  derived.create = (...args) => {
    const handler = filters.create(...args);
    const noting = Object.create(handler) as ExceptionHandlerLike;
    noting.handle = (exception, host) => {
      GatewayCall.active()?.noteFailure(exception);
      return handler.handle(exception, host);
    };
    return noting;
  };
  return derived;
}

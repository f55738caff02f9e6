import {
  type CallHandler,
  type ExecutionContext,
  Inject,
  Injectable,
  type NestInterceptor,
} from '@nestjs/common';
import { trace } from '@opentelemetry/api';
import { ATTR_CODE_FUNCTION_NAME } from '@opentelemetry/semantic-conventions';
import { type Observable } from 'rxjs';

import { isMarked } from '../../invocation/wrap-method.js';
import { tracerFor } from '../../runtime/tracers.js';
import { runInSpan } from '../../tracing/run-in-span.js';
import { TRACED_METHOD } from '../../tracing/trace.decorator.js';

/** Injection token of the switch: whether handlers get spans in this application. */
export const HANDLER_SPANS = Symbol.for('nestjs-telemetry:handler-spans');

/**
 * Opens a span `OrdersController.find` around each handler, below the request's span; interceptors further in, pipes
 * and the handler run inside it. A handler that `@Trace()` decorates already has its span.
 */
@Injectable()
export class HandlerSpanInterceptor implements NestInterceptor {
  constructor(@Inject(HANDLER_SPANS) private readonly enabled: boolean) {}

  intercept(execution: ExecutionContext, next: CallHandler): Observable<unknown> {
    const handler = execution.getHandler();
    if (!this.enabled || trace.getActiveSpan() === undefined || isMarked(handler, TRACED_METHOD))
      return next.handle();
    const controller = execution.getClass().name;
    const name = `${controller}.${handler.name}`;
    return runInSpan(
      tracerFor(controller),
      name,
      { attributes: { [ATTR_CODE_FUNCTION_NAME]: name, 'nestjs.type': execution.getType() } },
      () => next.handle(),
    );
  }
}

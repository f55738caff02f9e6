import { isObservable, tap } from 'rxjs';

import { GatewayCall } from './gateway-call.js';
import {
  type ExceptionFiltersContextLike,
  type ExceptionHandlerLike,
  type WsProxyLike,
} from './nest-websockets.interface.js';

/**
 * Gives a proxy factory that works as `proxy` does, and tells the running call what its guards, pipes, interceptors
 * and handler throw before an exception filter turns it into a message.
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

/** Gives exception handlers that tell the running call what they are asked to handle. */
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

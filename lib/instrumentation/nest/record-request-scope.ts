import { Injector } from '@nestjs/core/injector/injector.js';
import { type Span, trace } from '@opentelemetry/api';

import {
  ATTR_NESTJS_REQUEST_SCOPE_DURATION_MS,
  ATTR_NESTJS_REQUEST_SCOPE_PROVIDERS,
} from '../../config/semantic-conventions.constants.js';
import { patch } from '../../invocation/patch.js';
import { undoAll } from '../../process/undo-all.js';
import { createSpanNotes } from './span-notes.js';

/** What was built for one request. */
interface RequestScope {
  durationMs: number;
  instances: number;
}

const scopes = createSpanNotes<RequestScope>('request-scope');

/**
 * Tells on the span of a request what building its request-scoped providers took: how many
 * instances, and how long including whatever they waited for. The instances that a durable provider
 * keeps for later requests count once. An application without such providers never comes here after
 * its start. Returns the undo.
 */
export function recordRequestScope(): () => void {
  const undo = [
    patch(Injector.prototype, 'loadPerContext', (original) => {
      const observing = function (this: Injector, ...args: Parameters<Injector['loadPerContext']>) {
        const span = trace.getActiveSpan();
        if (span?.isRecording() !== true) return original.apply(this, args);
        return timed(span, () => original.apply(this, args));
      };
      return observing as Injector['loadPerContext'];
    }),
    patch(Injector.prototype, 'instantiateClass', (original) => {
      const counting = function (this: Injector, ...args: Parameters<Injector['instantiateClass']>) {
        const span = trace.getActiveSpan();
        const scope = span === undefined ? undefined : scopes.get(span);
        if (scope !== undefined) scope.instances += 1;
        return original.apply(this, args);
      };
      return counting as Injector['instantiateClass'];
    }),
  ];
  return undoAll(undo);
}

async function timed<T>(span: Span, load: () => Promise<T>): Promise<T> {
  const startedAt = performance.now();
  const scope = scopes.getOrMake(span, () => ({ durationMs: 0, instances: 0 }));
  try {
    return await load();
  } finally {
    scope.durationMs += performance.now() - startedAt;
    span.setAttribute(ATTR_NESTJS_REQUEST_SCOPE_DURATION_MS, Math.round(scope.durationMs * 1_000) / 1_000);
    span.setAttribute(ATTR_NESTJS_REQUEST_SCOPE_PROVIDERS, scope.instances);
  }
}

import { Injector } from '@nestjs/core/injector/injector.js';
import { type Span, trace } from '@opentelemetry/api';

import {
  ATTR_NESTJS_REQUEST_SCOPE_DURATION_MS,
  ATTR_NESTJS_REQUEST_SCOPE_PROVIDERS,
} from '../../config/semantic-conventions.constants.js';
import { patch } from '../../invocation/patch.js';
import { type AnyMethod } from '../../invocation/wrap-method.js';
import { type Undo, undoAll } from '../../process/undo-all.js';
import { createSpanNotes, toMicroseconds } from './span-notes.js';

/** What was built for one request. */
interface RequestScope {
  durationMs: number;
  instances: number;
}

const scopes = createSpanNotes<RequestScope>('request-scope');

/**
 * Records on the span of a request how many instances its request-scoped providers needed, and how
 * long they took, including what they waited for. The instances that a durable provider keeps for
 * later requests count once. Never called in an application without such providers. Returns the
 * undo.
 */
export function recordRequestScope(): Undo {
  const timing = (original: AnyMethod): AnyMethod =>
    function (...args) {
      const span = trace.getActiveSpan();
      if (span?.isRecording() !== true) return original.apply(this, args);
      return timed(span, () => original.apply(this, args));
    };
  const counting = (original: AnyMethod): AnyMethod =>
    function (...args) {
      const span = trace.getActiveSpan();
      const scope = span === undefined ? undefined : scopes.get(span);
      if (scope !== undefined) scope.instances += 1;
      return original.apply(this, args);
    };
  return undoAll([
    patch(Injector.prototype, 'loadPerContext', timing),
    patch(Injector.prototype, 'instantiateClass', counting),
  ]);
}

async function timed(span: Span, load: () => unknown): Promise<unknown> {
  const startedAt = performance.now();
  const scope = scopes.getOrMake(span, () => ({ durationMs: 0, instances: 0 }));
  try {
    return await load();
  } finally {
    scope.durationMs += performance.now() - startedAt;
    span.setAttribute(ATTR_NESTJS_REQUEST_SCOPE_DURATION_MS, toMicroseconds(scope.durationMs));
    span.setAttribute(ATTR_NESTJS_REQUEST_SCOPE_PROVIDERS, scope.instances);
  }
}

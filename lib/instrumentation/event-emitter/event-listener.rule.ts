import { type Attributes } from '@opentelemetry/api';

import { ATTR_NESTJS_EVENT_NAME, ATTR_NESTJS_TYPE } from '../../config/semantic-conventions.constants.js';
import { type MethodRule } from '../container/wrap-methods.js';

/** Metadata that `@OnEvent()` leaves on a method, one entry per decorator. */
const EVENT_LISTENER_METADATA = 'EVENT_LISTENER_METADATA';

interface ListenerMetadata {
  readonly event: unknown;
}

/**
 * Listeners of `@nestjs/event-emitter`. They run in the context of the emitter, also when they run
 * later (`async`, `nextTick`), so their spans are below the emitter's. The emit has none of its
 * own: it would have no duration, for Nest never lets it wait for a listener, and `emitAsync()`
 * waits exactly for the spans that are there.
 */
export const eventListenerRule: MethodRule = {
  switchedBy: 'eventEmitter',
  describe(method): Attributes | undefined {
    const metadata: unknown = Reflect.getMetadata(EVENT_LISTENER_METADATA, method);
    if (metadata === undefined || metadata === null) return undefined;
    const entries = (Array.isArray(metadata) ? metadata : [metadata]) as readonly ListenerMetadata[];
    // As they were written: the pattern of a wildcard, the segments of a path joined by
    // EventEmitter2's default delimiter.
    const events = entries.map(({ event }) => [event].flat().map(String).join('.'));
    return { [ATTR_NESTJS_TYPE]: 'event', [ATTR_NESTJS_EVENT_NAME]: events.join(', ') };
  },
};

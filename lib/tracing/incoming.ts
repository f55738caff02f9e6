import { type Context, isSpanContextValid, type Link, trace } from '@opentelemetry/api';

import {
  INCOMING_MODES,
  type IncomingListener,
  type IncomingMode,
  type IncomingRequest,
} from '../config/propagation.js';
import { warnOnce } from '../errors/warnings.js';
import { currentRuntime } from '../runtime/runtime-state.js';

/** What a call that came in starts with. */
export interface Incoming {
  readonly context: Context;
  readonly links: Link[];
}

/** Returns how the context of a caller is taken, by `propagation.incoming`; `trust` where no runtime of ours is running. */
export function incomingModeOf(listener: IncomingListener, request: IncomingRequest): IncomingMode {
  const policy = currentRuntime()?.config.propagation.incoming[listener] ?? 'trust';
  if (typeof policy === 'string') return policy;
  try {
    const mode: unknown = policy(request as IncomingRequest & Record<string, unknown>, listener);
    if (INCOMING_MODES.includes(mode as IncomingMode)) return mode as IncomingMode;
    throw new TypeError(`it must return one of ${INCOMING_MODES.join(', ')}`);
  } catch (error) {
    warnOnce(
      `propagation:incoming:${listener}`,
      `The function in propagation.incoming failed for ${listener}: ${String(error)}. Such a call starts a trace with a link.`,
    );
    return 'link';
  }
}

/**
 * Returns the context and links that a call starts with. `extract` reads what the caller sent into `base`, and is not called
 * where that is ignored.
 */
export function receive(
  listener: IncomingListener,
  request: IncomingRequest,
  base: Context,
  extract: () => Context,
): Incoming {
  const mode = incomingModeOf(listener, request);
  if (mode === 'trust') return { context: extract(), links: [] };
  return { context: base, links: mode === 'link' ? linksTo(extract()) : [] };
}

/** A link to the span of a context; none where there is no valid one. */
export function linksTo(context: Context): Link[] {
  const sender = trace.getSpanContext(context);
  return sender !== undefined && isSpanContextValid(sender) ? [{ context: sender }] : [];
}

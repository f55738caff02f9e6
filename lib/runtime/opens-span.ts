import { type Context, context, INVALID_TRACEID, trace, TraceFlags } from '@opentelemetry/api';

import { isRegistered } from './registered-globals.js';
import { runtimeState } from './runtime-state.js';

/**
 * Whether a span made now would be anything but empty. Without telemetry, and below a span that is not sampled when
 * children follow their parent, the answer is no: then the call it would surround is made as it stands.
 */
export function opensSpan(
  options: { readonly root?: boolean | undefined } = {},
  caller: Context = context.active(),
): boolean {
  const { runtime } = runtimeState();
  // Without a runtime of ours the application may still run an SDK of its own.
  if (runtime === undefined) return isRegistered('trace');
  if (!runtime.childrenFollowParent || options.root === true) return true;
  const parent = trace.getSpan(caller);
  if (parent === undefined || parent.isRecording()) return true;
  const { traceId, traceFlags } = parent.spanContext();
  return traceId === INVALID_TRACEID || (traceFlags & TraceFlags.SAMPLED) !== 0;
}

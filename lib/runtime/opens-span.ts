import { type Context, context, INVALID_TRACEID, trace, TraceFlags } from '@opentelemetry/api';

import { endedRootOf, lineageOf } from '../engine/lineage.js';
import { isRegistered } from './registered-globals.js';
import { runtimeState } from './runtime-state.js';

/**
 * Whether a span made now would be anything but empty. Without telemetry, and below a span that is not sampled when
 * children follow their parent, the answer is no: then the call runs unwrapped. Below a span of another process the answer
 * is yes, sampled or not: the end of the local root is the end of the trace in this process.
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
  const lineage = lineageOf(parent);
  if (lineage?.ended === true && endedRootOf(lineage) !== undefined) return true;
  const { traceId, traceFlags, isRemote } = parent.spanContext();
  return isRemote === true || traceId === INVALID_TRACEID || (traceFlags & TraceFlags.SAMPLED) !== 0;
}

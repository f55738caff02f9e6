import { type Context, context, INVALID_TRACEID, trace, TraceFlags, type Tracer } from '@opentelemetry/api';

import { endedRootOf, lineageOf } from '../engine/lineage.js';
import { isRegistered } from './registered-globals.js';
import { runtimeState } from './sdk-runtime.js';

let boundGeneration = -1;
const tracers = new Map<string, Tracer>();

/**
 * Returns the tracer of that name of the SDK that runs now. The API's tracers keep the first SDK,
 * which loses all spans after a restart (hot reload, tests).
 */
export function tracerFor(name: string): Tracer {
  const { generation } = runtimeState();
  if (generation !== boundGeneration) {
    tracers.clear();
    boundGeneration = generation;
  }
  let tracer = tracers.get(name);
  if (tracer === undefined) {
    tracer = trace.getTracer(name);
    tracers.set(name, tracer);
  }
  return tracer;
}

/**
 * Whether a span that starts now would record anything; else the call runs unwrapped. False without
 * telemetry, and below an unsampled span when children follow their parent; true below a span of
 * another process, because the end of the local root ends the trace here.
 */
export function shouldStartSpan(
  options: { readonly root?: boolean | undefined } = {},
  caller: Context = context.active(),
): boolean {
  const { runtime } = runtimeState();
  // The application may run its own SDK.
  if (runtime === undefined) return isRegistered('trace');
  if (!runtime.childrenFollowParent || options.root === true) return true;
  const parent = trace.getSpan(caller);
  if (parent === undefined || parent.isRecording()) return true;
  const lineage = lineageOf(parent);
  if (lineage?.ended === true && endedRootOf(lineage) !== undefined) return true;
  const { traceId, traceFlags, isRemote } = parent.spanContext();
  return isRemote === true || traceId === INVALID_TRACEID || (traceFlags & TraceFlags.SAMPLED) !== 0;
}

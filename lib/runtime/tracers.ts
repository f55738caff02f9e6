import { type Context, context, INVALID_TRACEID, trace, TraceFlags, type Tracer } from '@opentelemetry/api';

import { endedRootOf, lineageOf } from '../engine/lineage.js';
import { isRegistered } from './registered-globals.js';
import { runtimeState } from './sdk-runtime.js';

let boundGeneration = -1;
const tracers = new Map<string, Tracer>();

/**
 * Returns the tracer of that name from the SDK that runs now. The API's own tracers keep the first SDK for ever, which loses
 * every span after a restart (hot reload, tests).
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
 * Returns whether a span that starts now would record anything. False without telemetry, and below an unsampled span when
 * children follow their parent: the call then runs unwrapped. True below a span of another process, sampled or not: the end
 * of the local root is the end of the trace in this process.
 */
export function shouldStartSpan(
  options: { readonly root?: boolean | undefined } = {},
  caller: Context = context.active(),
): boolean {
  const { runtime } = runtimeState();
  // Without our runtime the application may still run its own SDK.
  if (runtime === undefined) return isRegistered('trace');
  if (!runtime.childrenFollowParent || options.root === true) return true;
  const parent = trace.getSpan(caller);
  if (parent === undefined || parent.isRecording()) return true;
  const lineage = lineageOf(parent);
  if (lineage?.ended === true && endedRootOf(lineage) !== undefined) return true;
  const { traceId, traceFlags, isRemote } = parent.spanContext();
  return isRemote === true || traceId === INVALID_TRACEID || (traceFlags & TraceFlags.SAMPLED) !== 0;
}

import { warnOnce } from '../../errors/warnings.js';
import { INSTRUMENTATION_SCOPE } from '../instrumentation-scope.constants.js';
import { observableCounter, observableGauge, observableUpDownCounter } from '../instruments.js';
import { startEventLoopMetrics } from './event-loop-metrics.js';
import { startGarbageCollectionMetrics } from './garbage-collection-metrics.js';
import { startHeapMetrics } from './heap-metrics.js';
import { startHostMetrics } from './host-metrics.js';
import { startProcessMetrics } from './process-metrics.js';
import { type RuntimeMetrics } from './runtime-metrics.interface.js';

let stopRunning: (() => void) | undefined;

/**
 * Measures the event loop, garbage collections, the heap, this process and its host, and returns what stops that.
 * All but the collections are read when metrics are collected. A second start gives the stop of the first.
 */
export function startRuntimeMetrics(): () => void {
  if (stopRunning !== undefined) return stopRunning;
  const stoppers: (() => void)[] = [];
  const register =
    (observe: typeof observableGauge): RuntimeMetrics['gauge'] =>
    (name, options, callback) => {
      stoppers.push(observe(INSTRUMENTATION_SCOPE, name, callback, options).remove);
    };
  const metrics: RuntimeMetrics = {
    gauge: register(observableGauge),
    counter: register(observableCounter),
    upDownCounter: register(observableUpDownCounter),
  };
  const groups: ((metrics: RuntimeMetrics) => (() => void) | undefined)[] = [
    startEventLoopMetrics,
    startGarbageCollectionMetrics,
    startHeapMetrics,
    startProcessMetrics,
    startHostMetrics,
  ];
  for (const start of groups) {
    try {
      const stop = start(metrics);
      if (stop !== undefined) stoppers.push(stop);
    } catch (error) {
      // A restricted environment (no /proc, --permission) may forbid one group; the others still measure.
      warnOnce(`metrics:${start.name}`, `${start.name} is not possible here: ${String(error)}`);
    }
  }
  const stop = (): void => {
    if (stopRunning !== stop) return;
    stopRunning = undefined;
    for (const undo of stoppers) undo();
  };
  stopRunning = stop;
  return stop;
}

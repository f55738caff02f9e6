import { undoAll } from '../../process/undo-all.js';
import { fileOf, UNKNOWN_SHAPE, whenModuleLoaded } from '../clients/loaded-modules.js';
import { type ContainerClass, findPrototype, isClass } from '../container/container-classes.js';
import { patchClass } from '../container/patch-class.js';
import { defineInstrumentation } from '../define-instrumentation.js';
import { WORKER_METHODS, WORKER_PATCH } from './record-attempt.js';
import { BULL_QUEUE_METHODS, BULL_QUEUE_PATCH } from './trace-bull-queue.js';
import { FLOW_PRODUCER_METHODS, FLOW_PRODUCER_PATCH } from './trace-flow-producer.js';
import { QUEUE_METHODS, QUEUE_PATCH } from './trace-queue.js';

const CLASSES = [
  { name: 'bullmq-queue', methods: QUEUE_METHODS, patch: QUEUE_PATCH },
  { name: 'bullmq-flow-producer', methods: FLOW_PRODUCER_METHODS, patch: FLOW_PRODUCER_PATCH },
  { name: 'bullmq-worker', methods: WORKER_METHODS, patch: WORKER_PATCH },
  { name: 'bull-queue', methods: BULL_QUEUE_METHODS, patch: BULL_QUEUE_PATCH },
];

/** Instruments a class of BullMQ or Bull; undefined for any other. Returns the undo. */
export function patchBullClass(candidate: ContainerClass): (() => void) | undefined {
  // The `BullExplorer` of `@nestjs/bullmq` knows the class of the workers before it has made any.
  const workerClass: unknown = Reflect.get(candidate, '_workerClass');
  if (isClass(workerClass)) return patchBullClass(workerClass);
  for (const { name, methods, patch } of CLASSES) {
    const prototype = findPrototype(candidate, methods);
    if (prototype !== undefined) return patchClass(name, prototype, patch);
  }
  return undefined;
}

export const bullmq = defineInstrumentation({
  packages: ['bullmq', 'bull'],
  clients: { bullmq: { start: patchLoadedBullmq } },
});

const PACKAGES = [fileOf('bullmq', 'dist/cjs/index.js'), fileOf('bull', 'lib/queue.js')];

/**
 * Instruments every copy of BullMQ and Bull that is loaded, and those that come later. In jest and
 * in a bundle, where none can be found like this, their classes are found in Nest's container.
 * Returns the undo.
 */
export function patchLoadedBullmq(): () => void {
  const stop = PACKAGES.map((pattern) =>
    whenModuleLoaded(pattern, (exports) => {
      const values = isClass(exports) ? [exports] : Object.values(exports as Record<string, unknown>);
      const undo = values.map((value) => (isClass(value) ? patchBullClass(value) : undefined));
      if (undo.every((restore) => restore === undefined)) return UNKNOWN_SHAPE;
      return undoAll(undo);
    }),
  );
  return undoAll(stop);
}

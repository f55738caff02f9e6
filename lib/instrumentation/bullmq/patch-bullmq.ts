import { fileOf, whenModuleLoaded } from '../clients/loaded-modules.js';
import { type ContainerClass, findPrototype, isClass } from '../container/container-classes.js';
import { patchClass } from '../container/patch-class.js';
import { FLOW_PRODUCER_METHODS, FLOW_PRODUCER_PATCH } from './trace-flow-producer.js';
import { QUEUE_METHODS, QUEUE_PATCH } from './trace-queue.js';
import { WORKER_METHODS, WORKER_PATCH } from './trace-worker.js';

const CLASSES = [
  { name: 'bullmq-queue', methods: QUEUE_METHODS, patch: QUEUE_PATCH },
  { name: 'bullmq-flow-producer', methods: FLOW_PRODUCER_METHODS, patch: FLOW_PRODUCER_PATCH },
  { name: 'bullmq-worker', methods: WORKER_METHODS, patch: WORKER_PATCH },
];

/** Instruments a class of BullMQ; undefined for any other. Returns the undo. */
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

/**
 * Instruments every copy of BullMQ that is loaded, and those that come later. In jest and in a bundle, where none can be
 * found like this, its classes are met in Nest's container. Returns the undo.
 */
export function patchLoadedBullmq(): () => void {
  return whenModuleLoaded(fileOf('bullmq', 'dist/cjs/index.js'), (exports) => {
    const undo = Object.values(exports as Record<string, unknown>).map((value) =>
      isClass(value) ? patchBullClass(value) : undefined,
    );
    return () => {
      for (const restore of undo) restore?.();
    };
  });
}

import { undoAll } from '../../process/undo-all.js';
import { fileOf, UNKNOWN_SHAPE, whenModuleLoaded } from '../clients/loaded-modules.js';
import { type ContainerClass, isClass } from '../container/container-classes.js';
import { patchClass } from '../container/patch-class.js';
import { defineInstrumentation } from '../define-instrumentation.js';
import { WORKER } from './record-attempt.js';
import { BULL_QUEUE } from './trace-bull-queue.js';
import { FLOW_PRODUCER, QUEUE } from './trace-queues.js';

/** Instruments a class of BullMQ or Bull; undefined for any other. Returns the undo. */
export function patchBullClass(candidate: ContainerClass): (() => void) | undefined {
  // The `BullExplorer` of `@nestjs/bullmq` knows the class of the workers before it has made any.
  const workerClass: unknown = Reflect.get(candidate, '_workerClass');
  return patchClass(isClass(workerClass) ? workerClass : candidate, [
    QUEUE,
    FLOW_PRODUCER,
    WORKER,
    BULL_QUEUE,
  ]);
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
  return undoAll(
    PACKAGES.map((pattern) =>
      whenModuleLoaded(pattern, (exports) => {
        const values = isClass(exports) ? [exports] : Object.values(exports as Record<string, unknown>);
        const undo = values.filter(isClass).map(patchBullClass);
        return undo.every((restore) => restore === undefined) ? UNKNOWN_SHAPE : undoAll(undo);
      }),
    ),
  );
}

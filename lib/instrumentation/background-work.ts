import { type Undo, undoAll } from '../process/undo-all.js';
import { type Application, type ApplicationPart } from '../runtime/application.js';
import { patchBullClass } from './bullmq/patch-bullmq.js';
import { bullmqListenerRule, bullmqProcessorRule } from './bullmq/record-attempt.js';
import { classesIn, type ContainerClass } from './container/container-classes.js';
import { patchClass } from './container/patch-class.js';
import { wrapMethods } from './container/wrap-methods.js';
import { CQRS_CLASSES, cqrsHandlerRules } from './cqrs/cqrs.js';
import { eventListenerRule } from './event-emitter/event-listener.rule.js';
import { SCHEDULE_CLASSES } from './schedule/schedule.js';

/** The switches, with the methods of the application that they give spans. */
const RULES = [
  ['eventEmitter', [eventListenerRule]],
  ['bullmq', [bullmqListenerRule, bullmqProcessorRule]],
  ['cqrs', cqrsHandlerRules],
] as const;

/**
 * Records what `@nestjs/schedule`, `@nestjs/event-emitter`, `@nestjs/bullmq` and `@nestjs/cqrs` do
 * in one application. None of them is imported: their classes and the application's are found in
 * its container.
 */
export function attachBackgroundWork({ config, runtime, modules }: Application): ApplicationPart | undefined {
  if (runtime === undefined) return undefined;
  const { schedule, bullmq, cqrs } = config.instrumentation;
  const rules = RULES.filter(([name]) => config.instrumentation[name]).map(([, each]) => each);
  const libraries = [...(schedule ? SCHEDULE_CLASSES : []), ...(cqrs ? CQRS_CLASSES : [])];
  const seen = new Set<ContainerClass>();
  const undo: (Undo | undefined)[] = [];
  const look = (): void => {
    const fresh = [...classesIn(modules)].filter((each) => !seen.has(each));
    for (const each of rules) wrapMethods(fresh, each);
    for (const each of fresh) {
      seen.add(each);
      undo.push(patchClass(each, libraries), bullmq ? patchBullClass(each) : undefined);
    }
  };
  look();
  return {
    // Again: factories have run by then.
    ready: look,
    stop: undoAll(undo),
  };
}

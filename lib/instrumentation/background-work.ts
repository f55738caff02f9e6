import { undoAll } from '../process/undo-all.js';
import { type Application, type ApplicationPart } from '../runtime/application.js';
import { patchBullClass } from './bullmq/patch-bullmq.js';
import { bullmqListenerRule, bullmqProcessorRule } from './bullmq/record-attempt.js';
import { classesIn, type ContainerClass, findPrototype } from './container/container-classes.js';
import { patchClass, type ReplaceMethod } from './container/patch-class.js';
import { type MethodRule, wrapMethods } from './container/wrap-methods.js';
import { cqrsHandlerRules, EVENT_BUS_METHODS, EVENT_BUS_PATCH } from './cqrs/cqrs.js';
import { eventListenerRule } from './event-emitter/event-listener.rule.js';
import {
  EXPLORER_METHODS,
  EXPLORER_PATCH,
  ORCHESTRATOR_METHODS,
  ORCHESTRATOR_PATCH,
  REGISTRY_METHODS,
  REGISTRY_PATCH,
} from './schedule/schedule.js';

interface PatchedClass {
  readonly name: string;
  /** The class is the one that has all of these. */
  readonly methods: readonly string[];
  readonly patch: Readonly<Record<string, ReplaceMethod>>;
}

/**
 * Records what `@nestjs/schedule`, `@nestjs/event-emitter`, `@nestjs/bullmq` and `@nestjs/cqrs` do
 * in one application. None of them is imported: their classes and the application's are found in
 * its container.
 */
export function attachBackgroundWork({ config, runtime, modules }: Application): ApplicationPart | undefined {
  if (runtime === undefined) return undefined;
  const { schedule, bullmq, cqrs } = config.instrumentation;
  const rules = RULES.filter(([name]) => config.instrumentation[name]).map(([, each]) => each);
  const libraries: readonly PatchedClass[] = [...(schedule ? SCHEDULE : []), ...(cqrs ? CQRS : [])];
  const seen = new Set<ContainerClass>();
  const undo: (() => void)[] = [];
  const look = (): void => {
    const fresh = [...classesIn(modules)].filter((each) => !seen.has(each));
    for (const each of rules) wrapMethods(fresh, each);
    for (const each of fresh) {
      seen.add(each);
      undo.push(...patchLibraryClass(each, libraries));
      const restore = bullmq ? patchBullClass(each) : undefined;
      if (restore !== undefined) undo.push(restore);
    }
  };
  look();
  return {
    // Again: factories have run by then.
    ready: look,
    stop: undoAll(undo),
  };
}

function patchLibraryClass(candidate: ContainerClass, libraries: readonly PatchedClass[]): (() => void)[] {
  return libraries.flatMap(({ name, methods, patch }) => {
    const prototype = findPrototype(candidate, methods);
    return prototype === undefined ? [] : [patchClass(name, prototype, patch)];
  });
}

const RULES = [
  ['eventEmitter', [eventListenerRule]],
  ['bullmq', [bullmqListenerRule, bullmqProcessorRule]],
  ['cqrs', cqrsHandlerRules],
] as const satisfies readonly (readonly [string, readonly MethodRule[]])[];
const SCHEDULE: readonly PatchedClass[] = [
  { name: 'schedule-explorer', methods: EXPLORER_METHODS, patch: EXPLORER_PATCH },
  { name: 'schedule-orchestrator', methods: ORCHESTRATOR_METHODS, patch: ORCHESTRATOR_PATCH },
  { name: 'schedule-registry', methods: REGISTRY_METHODS, patch: REGISTRY_PATCH },
];
const CQRS: readonly PatchedClass[] = [
  { name: 'cqrs-event-bus', methods: EVENT_BUS_METHODS, patch: EVENT_BUS_PATCH },
];

import { markMethod } from '../../invocation/wrap-method.js';
import { type ContainerClass, prototypesOf } from '../container/container-classes.js';
import { METHOD_WITH_SPAN } from '../container/wrap-methods.js';

/** Marks the methods that `@Cron()`, `@Interval()` and `@Timeout()` decorate: each run gets its span from the scheduler. */
export function claimScheduledMethods(classes: Iterable<ContainerClass>): void {
  for (const each of classes) {
    for (const prototype of prototypesOf(each)) {
      for (const descriptor of Object.values(Object.getOwnPropertyDescriptors(prototype))) {
        const method: unknown = descriptor.value;
        if (typeof method === 'function' && Reflect.hasMetadata('SCHEDULER_TYPE', method)) {
          markMethod(method, METHOD_WITH_SPAN);
        }
      }
    }
  }
}

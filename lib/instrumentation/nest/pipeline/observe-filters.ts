import { types } from 'node:util';

import { BaseExceptionFilterContext } from '@nestjs/core/exceptions/base-exception-filter-context.js';

import { followResult } from '../../../invocation/follow-result.js';
import { patch } from '../../../invocation/patch.js';
import { activePipeline, FILTER, originOf } from './pipeline-record.js';

type CreateConcreteContext = BaseExceptionFilterContext['createConcreteContext'];
type GetFilterInstance = BaseExceptionFilterContext['getFilterInstance'];
type Catch = (...args: unknown[]) => unknown;

/** What NestJS keeps of a filter: its bound method and what it catches. */
interface FilterMetadata {
  func: Catch;
}

/**
 * Times the exception filters of the application, of HTTP, RPC, WebSocket and GraphQL contexts
 * alike: all of these make their list of filters here, and this is the last place that knows who is
 * behind a function. Returns the undo.
 */
export function observeFilters(): () => void {
  /**
   * The instances that the call of `createConcreteContext` now running has met; it is synchronous.
   */
  let met: object[] | undefined;
  let active = true;
  const undoInstances = patch(BaseExceptionFilterContext.prototype, 'getFilterInstance', (original) => {
    const noting = function (this: BaseExceptionFilterContext, ...args: Parameters<GetFilterInstance>) {
      const instance = original.apply(this, args);
      if ((instance as unknown) !== null && (instance as unknown) !== undefined)
        met?.push(instance as object);
      return instance;
    };
    return noting as GetFilterInstance;
  });
  const undoContexts = patch(BaseExceptionFilterContext.prototype, 'createConcreteContext', (original) => {
    const observing = function (
      this: BaseExceptionFilterContext,
      ...args: Parameters<CreateConcreteContext>
    ) {
      const instances: object[] = (met = []);
      let filters: FilterMetadata[];
      try {
        filters = original.apply<BaseExceptionFilterContext, typeof args, FilterMetadata[]>(this, args);
      } finally {
        met = undefined;
      }
      if (filters.length !== instances.length) return filters;
      filters.forEach((filter, index) => {
        const instance = instances[index];
        if (instance !== undefined) filter.func = observe(filter.func, instance, () => active);
      });
      return filters;
    };
    return observing as CreateConcreteContext;
  });
  return () => {
    active = false;
    undoContexts();
    undoInstances();
  };
}

/** Filters live as long as their routes: the undo makes this one call through. */
function observe(original: Catch, filter: object, isActive: () => boolean): Catch {
  return (...args) => {
    const record = isActive() ? activePipeline() : undefined;
    if (record === undefined) return original(...args);
    const startedAt = performance.now();
    const took = (): void => {
      record.took(FILTER, originOf(filter), startedAt, performance.now());
      record.write(FILTER);
    };
    const fail = (error: unknown): void => {
      record.failed(FILTER, originOf(filter), startedAt, error);
    };
    let result: unknown;
    try {
      result = original(...args);
    } catch (error) {
      fail(error);
      throw error;
    }
    // What an RPC filter returns as an Observable is the answer, not work of the filter.
    if (types.isPromise(result)) return followResult(result, { onSuccess: took, onError: fail });
    took();
    return result;
  };
}

import { types } from 'node:util';

import { BaseExceptionFilterContext } from '@nestjs/core/exceptions/base-exception-filter-context.js';
import { GuardsConsumer } from '@nestjs/core/guards/guards-consumer.js';
import { PipesConsumer } from '@nestjs/core/pipes/pipes-consumer.js';

import { type Patch, patch } from '../../../invocation/patch.js';
import { type AnyMethod } from '../../../invocation/wrap-method.js';
import { type Undo, undoAll } from '../../../process/undo-all.js';
import { observeInterceptors } from './observe-interceptors.js';
import { activePipeline, FILTER, GUARD, originOf, PIPE, type PipelineRecord } from './pipeline-record.js';

/** Records the stages of NestJS's pipeline, in all contexts that share it; returns the undo. */
export function recordPipeline(): Undo {
  return undoAll([observeGuards(), observeInterceptors(), observePipes(), ...observeFilters()]);
}

type TryActivate = GuardsConsumer['tryActivate'];
type Guard = Parameters<TryActivate>[0][number];

function observeGuards(): Undo {
  return patch(
    GuardsConsumer.prototype,
    'tryActivate',
    (original) =>
      function (this: GuardsConsumer, ...args: Parameters<TryActivate>): Promise<boolean> {
        const [guards, values, instance, callback, type] = args;
        // Only callers other than NestJS pass no guards, against the types.
        const record = (guards as Guard[] | undefined)?.length ? activePipeline() : undefined;
        if (record === undefined) return original.apply(this, args);
        return runGuards(record, guards, instance.constructor, (observed) =>
          original.call(this, observed, values, instance, callback, type),
        );
      },
  );
}

/** Awaited and not chained, so that stack traces still lead through here. */
async function runGuards(
  record: PipelineRecord,
  guards: readonly Guard[],
  user: object,
  run: (observed: Guard[]) => Promise<boolean>,
): Promise<boolean> {
  let called = 0;
  const allowed = await run(
    guards.map((guard) => ({
      canActivate: (context) => {
        called += 1;
        return record.time(GUARD, originOf(guard, user), () => guard.canActivate(context), isNoBoolean);
      },
    })),
  );
  const last = guards[called - 1];
  if (!allowed && last !== undefined) {
    const origin = originOf(last, user);
    record.blame(GUARD, origin);
    record.refusal = origin.attributes(GUARD);
  }
  record.write(GUARD);
  return allowed;
}

function isNoBoolean(result: unknown): boolean {
  return typeof result !== 'boolean';
}

type ApplyPipes = PipesConsumer['applyPipes'];
type Pipe = Parameters<ApplyPipes>[2][number];

/** Times the pipes of every parameter. */
function observePipes(): Undo {
  return patch(PipesConsumer.prototype, 'applyPipes', (original) => {
    const observing = function (this: PipesConsumer, ...args: Parameters<ApplyPipes>): Promise<unknown> {
      const [value, metadata, pipes] = args;
      const record = pipes.length === 0 ? undefined : activePipeline();
      if (record === undefined) return original.apply(this, args);
      return original.call(this, value, metadata, observed(record, pipes));
    };
    return observing as ApplyPipes;
  });
}

function observed(record: PipelineRecord, pipes: readonly Pipe[]): Pipe[] {
  const last = pipes.length - 1;
  return pipes.map((pipe, index) => ({
    transform: (value, metadata) => {
      const call = (): unknown => pipe.transform(value, metadata);
      // Streams, Observables and query builders are values for a handler.
      return record.time(PIPE, originOf(pipe), call, types.isPromise, index === last);
    },
  }));
}

/** What NestJS keeps of a filter: its bound method and what it catches. */
interface FilterMetadata {
  func: (...args: unknown[]) => unknown;
}

/**
 * Times the exception filters of HTTP, RPC, WebSocket and GraphQL contexts alike: all of these make
 * their list of filters here, the last place that knows the instance behind a function.
 */
function observeFilters(): Undo[] {
  /** The filters that the running call of `createConcreteContext` has met; it is synchronous. */
  let met: object[] | undefined;
  const noteInstance = (original: AnyMethod): AnyMethod =>
    function (...args) {
      const instance = original.apply(this, args);
      if (instance !== null && instance !== undefined) met?.push(instance);
      return instance;
    };
  const observeAll = (original: AnyMethod, patched: Patch): AnyMethod =>
    function (...args) {
      const instances: object[] = (met = []);
      let filters: FilterMetadata[];
      try {
        filters = original.apply(this, args) as FilterMetadata[];
      } finally {
        met = undefined;
      }
      if (filters.length !== instances.length) return filters;
      filters.forEach((filter, index) => {
        const instance = instances[index];
        if (instance !== undefined) filter.func = observeFilter(filter.func, instance, patched);
      });
      return filters;
    };
  return [
    patch(BaseExceptionFilterContext.prototype, 'getFilterInstance', noteInstance),
    patch(BaseExceptionFilterContext.prototype, 'createConcreteContext', observeAll),
  ];
}

/** Filters live as long as their routes: this one calls through after the undo. */
function observeFilter(original: FilterMetadata['func'], filter: object, patched: Patch): typeof original {
  return (...args) => {
    const record = patched.active ? activePipeline() : undefined;
    if (record === undefined) return original(...args);
    // What an RPC filter returns as an Observable is the answer, not work of the filter.
    return record.time(FILTER, originOf(filter), () => original(...args), types.isPromise, true);
  };
}

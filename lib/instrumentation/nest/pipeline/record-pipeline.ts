import { types } from 'node:util';

import { GuardsConsumer } from '@nestjs/core/guards/guards-consumer.js';
import { PipesConsumer } from '@nestjs/core/pipes/pipes-consumer.js';

import { followResult } from '../../../invocation/follow-result.js';
import { patch } from '../../../invocation/patch.js';
import { undoAll } from '../../../process/undo-all.js';
import { observeFilters } from './observe-filters.js';
import { observeInterceptors } from './observe-interceptors.js';
import { activePipeline, GUARD, originOf, PIPE, type PipelineRecord } from './pipeline-record.js';

/**
 * Records the stages of NestJS's pipeline around handlers, in all contexts that share it; returns
 * the undo.
 */
export function recordPipeline(): () => void {
  const undo = [observeGuards(), observeInterceptors(), observePipes(), observeFilters()];
  return undoAll(undo);
}

type TryActivate = GuardsConsumer['tryActivate'];
type Guard = Parameters<TryActivate>[0][number];

/** Times the guards of every pipeline, whatever they are bound to; returns the undo. */
function observeGuards(): () => void {
  return patch(GuardsConsumer.prototype, 'tryActivate', (original) => {
    const observing = function (this: GuardsConsumer, ...args: Parameters<TryActivate>): Promise<boolean> {
      const [guards, values, instance, callback, type] = args;
      // Only callers other than NestJS pass no guards, against the types.
      const run = (guards as Guard[] | undefined)?.length ? openRun(guards, instance) : undefined;
      if (run === undefined) return original.apply(this, args);
      return run.watch(original.call(this, run.guards, values, instance, callback, type));
    };
    return observing;
  });
}

function openRun(guards: readonly Guard[], host: object): GuardsRun | undefined {
  const record = activePipeline();
  return record === undefined ? undefined : new GuardsRun(record, guards, host.constructor);
}

/** The guards of one call, each standing in for one of the application's. */
class GuardsRun {
  readonly guards: Guard[];
  private last: Guard | undefined;

  constructor(
    private readonly record: PipelineRecord,
    guards: readonly Guard[],
    private readonly user: object,
  ) {
    this.guards = guards.map((guard) => ({
      canActivate: (context) => this.activate(guard, context),
    }));
  }

  /** Awaited and not chained, so that stack traces still lead through here. */
  async watch(activation: Promise<boolean>): Promise<boolean> {
    const allowed = await activation;
    if (!allowed && this.last !== undefined) this.refuse(this.last);
    this.record.write(GUARD);
    return allowed;
  }

  private activate(
    guard: Guard,
    context: Parameters<Guard['canActivate']>[0],
  ): ReturnType<Guard['canActivate']> {
    this.last = guard;
    const startedAt = performance.now();
    let result: ReturnType<Guard['canActivate']>;
    try {
      result = guard.canActivate(context);
    } catch (error) {
      this.fail(guard, startedAt, error);
      throw error;
    }
    if (typeof result === 'boolean') {
      this.took(guard, startedAt);
      return result;
    }
    return followResult(result, {
      onSuccess: () => {
        this.took(guard, startedAt);
      },
      onError: (error) => {
        this.fail(guard, startedAt, error);
      },
    });
  }

  private took(guard: Guard, startedAt: number): void {
    this.record.took(GUARD, originOf(guard, this.user), startedAt, performance.now());
  }

  private fail(guard: Guard, startedAt: number, error: unknown): void {
    this.record.failed(GUARD, originOf(guard, this.user), startedAt, error);
  }

  private refuse(guard: Guard): void {
    const origin = originOf(guard, this.user);
    this.record.blame(GUARD, origin);
    this.record.refusal = origin.attributes(GUARD);
  }
}

type ApplyPipes = PipesConsumer['applyPipes'];
type Pipe = Parameters<ApplyPipes>[2][number];

/** Times the pipes of every parameter of every pipeline; returns the undo. */
function observePipes(): () => void {
  return patch(PipesConsumer.prototype, 'applyPipes', (original) => {
    const observing = function (this: PipesConsumer, ...args: Parameters<ApplyPipes>): Promise<unknown> {
      const [value, metadata, pipes] = args;
      const record = pipes.length === 0 ? undefined : activePipeline();
      if (record === undefined) return original.apply(this, args);
      return original.call(this, value, metadata, observe(record, pipes));
    };
    return observing as ApplyPipes;
  });
}

function observe(record: PipelineRecord, pipes: readonly Pipe[]): Pipe[] {
  const last = pipes.length - 1;
  return pipes.map((pipe, index) => ({
    transform: (value, metadata) => {
      const startedAt = performance.now();
      const took = (): void => {
        record.took(PIPE, originOf(pipe), startedAt, performance.now());
        if (index === last) record.write(PIPE);
      };
      const fail = (error: unknown): void => {
        record.failed(PIPE, originOf(pipe), startedAt, error);
      };
      let result: unknown;
      try {
        result = pipe.transform(value, metadata);
      } catch (error) {
        fail(error);
        throw error;
      }
      // Only a promise is work still going on: streams, Observables and query builders are values
      // for a handler.
      if (types.isPromise(result)) return followResult(result, { onSuccess: took, onError: fail });
      took();
      return result;
    },
  }));
}

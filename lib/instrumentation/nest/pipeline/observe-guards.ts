import { GuardsConsumer } from '@nestjs/core/guards/guards-consumer.js';

import { followResult } from '../../../invocation/follow-result.js';
import { replaceMethod } from '../replace-method.js';
import { originOf } from './enhancer-origin.js';
import { activePipeline, type PipelineRecord } from './pipeline-record.js';
import { GUARD } from './stages.constants.js';

type TryActivate = GuardsConsumer['tryActivate'];
type Guard = Parameters<TryActivate>[0][number];

/** Times the guards of every pipeline, whatever they are bound to; returns the undo. */
export function observeGuards(): () => void {
  return replaceMethod(GuardsConsumer.prototype, 'tryActivate', (original) => {
    const observing = function (this: GuardsConsumer, ...args: Parameters<TryActivate>): Promise<boolean> {
      const [guards, values, instance, callback, type] = args;
      // Called without guards only by somebody who is not NestJS, whatever the types say.
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

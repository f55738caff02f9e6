import { types } from 'node:util';

import { PipesConsumer } from '@nestjs/core/pipes/pipes-consumer.js';

import { followResult } from '../../../invocation/follow-result.js';
import { replaceMethod } from '../replace-method.js';
import { originOf } from './enhancer-origin.js';
import { activePipeline, type PipelineRecord } from './pipeline-record.js';
import { PIPE } from './stages.constants.js';

type ApplyPipes = PipesConsumer['applyPipes'];
type Pipe = Parameters<ApplyPipes>[2][number];

/** Times the pipes of every parameter of every pipeline; returns the undo. */
export function observePipes(): () => void {
  return replaceMethod(PipesConsumer.prototype, 'applyPipes', (original) => {
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
      // Only a promise is work still going on: streams, Observables and query builders are values for a handler.
      if (types.isPromise(result)) return followResult(result, { onSuccess: took, onError: fail });
      took();
      return result;
    },
  }));
}

import { InterceptorsConsumer } from '@nestjs/core/interceptors/interceptors-consumer.js';

import { replaceMethod } from '../replace-method.js';
import { ObservedInterceptor } from './observed-interceptor.js';
import { activePipeline, type PipelineRecord } from './pipeline-record.js';
import { INTERCEPTOR_AFTER, INTERCEPTOR_BEFORE } from './stages.constants.js';

type Intercept = InterceptorsConsumer['intercept'];
type Interceptor = Parameters<Intercept>[0][number];

/** Times the interceptors of every pipeline, before and after what they surround; returns the undo. */
export function observeInterceptors(): () => void {
  return replaceMethod(InterceptorsConsumer.prototype, 'intercept', (original) => {
    const observing = function (
      this: InterceptorsConsumer,
      ...args: Parameters<Intercept>
    ): Promise<unknown> {
      const [interceptors, values, instance, callback, next, type] = args;
      // NestJS comes here on every request, mostly with none; some libraries without a list.
      if (!((interceptors as Interceptor[] | undefined)?.length ?? 0)) return original.apply(this, args);
      const record = activePipeline();
      if (record === undefined) return original.apply(this, args);
      const observed = observe(record, interceptors, instance.constructor);
      return original.call(this, observed, values, instance, callback, next, type);
    };
    return observing as Intercept;
  });
}

function observe(record: PipelineRecord, interceptors: readonly Interceptor[], user: object): Interceptor[] {
  let outside = interceptors.length;
  return interceptors.map(
    (interceptor, index) =>
      new ObservedInterceptor(interceptor, record, user, {
        onInnerStart: () => {
          outside -= 1;
          if (outside === 0) record.write(INTERCEPTOR_BEFORE);
        },
        onEnd: () => {
          if (index !== 0) return;
          if (outside > 0) record.write(INTERCEPTOR_BEFORE);
          record.write(INTERCEPTOR_AFTER);
        },
      }),
  );
}

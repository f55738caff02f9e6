import 'reflect-metadata';

import { context } from '@opentelemetry/api';

import { Counted, Timed } from '../../lib/metrics/counted-and-timed.decorator.js';
import { getTelemetry } from '../../lib/module/inject-telemetry.js';
import { Observed } from '../../lib/module/observed.decorator.js';
import { Trace } from '../../lib/tracing/trace.decorator.js';
import { startTracing, type TestTracing } from '../support/start-tracing.js';

/** Frames of a stack trace by whom they are of, from the throw to the call in this file. */
function framesOf(error: unknown): { ours: number; node: number } {
  const frames = (error as Error).stack!.split('\n').filter((line) => /^\s+at /.test(line));
  const end = frames.findIndex((line) => line.includes('callOutermost'));
  expect(end).toBeGreaterThan(0);
  const between = frames.slice(0, end);
  return {
    ours: between.filter((line) => /[\\/]lib[\\/]|@opentelemetry[\\/]api/.test(line)).length,
    node: between.filter((line) => line.includes('node:')).length,
  };
}

const fail = (): never => {
  throw new Error('out of stock');
};

class OrderService {
  @Trace()
  traced(): void {
    fail();
  }

  @Counted('orders.counted')
  counted(): void {
    fail();
  }

  @Timed('orders.timed')
  timed(): void {
    fail();
  }

  @Observed()
  observed(): void {
    fail();
  }

  byHand(): void {
    getTelemetry('OrderService').trace('by hand', { table: 'orders' }, fail);
  }

  @Trace()
  outer(): void {
    this.middle();
  }

  @Trace()
  middle(): void {
    this.traced();
  }
}

function callOutermost(call: () => void): unknown {
  try {
    call();
    return undefined;
  } catch (error) {
    return error;
  }
}

describe('the stack trace of an error below our wrappers', () => {
  let tracing: TestTracing;
  beforeAll(() => {
    tracing = startTracing();
  });
  afterAll(() => {
    tracing.stop();
  });

  it.each([
    ['traced', 1],
    ['counted', 1],
    ['timed', 1],
    // A span around what is counted and timed.
    ['observed', 2],
    // The service and what decorators use as well.
    ['byHand', 2],
    // One for each of three methods.
    ['outer', 3],
  ] as const)('has for %s() as many frames of ours as there are wrappers: %i', (method, wrappers) => {
    const service = new OrderService();

    const error = callOutermost(() => {
      service[method]();
    });

    expect(framesOf(error)).toEqual({ ours: wrappers, node: 0 });
  });

  it('leaves the context of the caller as it was, whatever is thrown', () => {
    const before = context.active();
    callOutermost(() => {
      new OrderService().outer();
    });

    expect(context.active()).toBe(before);
  });
});

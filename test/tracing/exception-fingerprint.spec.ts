import 'reflect-metadata';

import { context } from '@opentelemetry/api';

import { stackWithCauses } from '../../lib/engine/describe-error.js';
import { Counted, Timed } from '../../lib/metrics/counted-and-timed.decorator.js';
import { getTelemetry } from '../../lib/module/inject-telemetry.js';
import { Observed } from '../../lib/module/observed.decorator.js';
import { fingerprintException, fingerprintTexts } from '../../lib/tracing/fingerprint-exception.js';
import { Trace } from '../../lib/tracing/trace.decorator.js';
import { startTracing, type TestTracing } from '../support/start-tracing.js';

/** An error as another process would have thrown it. */
function thrown(
  message: string,
  frames: readonly string[],
  options: { type?: string; cause?: unknown } = {},
) {
  const { type = 'Error', cause } = options;
  const error = new Error(message, cause === undefined ? undefined : { cause });
  error.stack = [`${type}: ${message}`, ...frames.map((frame) => `    at ${frame}`)].join('\n');
  return fingerprintException(error, type, message);
}

const FRAMES = [
  'StockService.reserve (/app/dist/stock/stock.service.js:12:11)',
  'async OrderService.create (/app/dist/orders/order.service.js:40:5)',
];

describe('the fingerprint of an exception', () => {
  it('is 16 hexadecimal digits that never change', () => {
    expect(thrown('no stock of 7', FRAMES)).toMatch(/^[0-9a-f]{16}$/);
    expect(thrown('no stock of 7', FRAMES)).toBe(thrown('no stock of 7', FRAMES));
  });

  it.each<[what: string, message: string, frames: string[]]>([
    ['another message', 'no stock of 8\nnor of 9', FRAMES],
    ['a message with lines like frames', 'no\n    at Fake.frame (/app/fake.js:1:1)', FRAMES],
    ['other line numbers', 'no stock of 7', FRAMES.map((frame) => frame.replace(/:\d+:\d+/, ':99:1'))],
    ['another machine', 'no stock of 7', FRAMES.map((frame) => frame.replace('/app/', '/home/ann/shop/'))],
    [
      'Windows',
      'no stock of 7',
      FRAMES.map((frame) => frame.replaceAll('/', '\\').replace('\\app', 'C:\\app')),
    ],
    ['Windows line endings', 'no stock of 7', FRAMES.map((frame) => `${frame}\r`)],
    ['ES modules', 'no stock of 7', FRAMES.map((frame) => frame.replace('/app', 'file:///app'))],
    [
      'sources instead of what was built of them',
      'no stock of 7',
      FRAMES.map((frame) => frame.replace('dist', 'src').replace('.js', '.ts')),
    ],
    [
      'frames of packages and of Node between',
      'no stock of 7',
      [
        'Query.run (/app/node_modules/pg/lib/query.js:1:1)',
        'node:internal/process/task_queues:95:5',
        'new Promise (<anonymous>)',
        ...FRAMES,
        'async Promise.all (index 0)',
        'async file:///app/node_modules/.pnpm/@nestjs+core/router-proxy.js:9:17',
      ],
    ],
    ['a deeper recursion', 'no stock of 7', [FRAMES[0]!, FRAMES[0]!, FRAMES[0]!, FRAMES[1]!]],
  ])('is the same with %s', (_what, message, frames) => {
    expect(thrown(message, frames)).toBe(thrown('no stock of 7', FRAMES));
  });

  it.each<[what: string, fingerprint: () => string]>([
    ['type', () => thrown('no stock of 7', FRAMES, { type: 'StockError' })],
    [
      'function',
      () => thrown('no stock of 7', ['StockService.release (/app/dist/stock/stock.service.js:12:11)']),
    ],
    [
      'file',
      () => thrown('no stock of 7', ['StockService.reserve (/app/dist/shelf/stock.service.js:12:11)']),
    ],
    ['cause', () => thrown('no stock of 7', FRAMES, { cause: new TypeError('x is undefined') })],
  ])('differs with another %s', (_what, fingerprint) => {
    expect(fingerprint()).not.toBe(thrown('no stock of 7', FRAMES));
  });

  it.each([
    ['order 17 of 3fa85f64-5717-4562-b3fc-2c963f66afa6', 'order 4 of 0b1c7d0e-8f5f-4a43-9d53-5a3ac2f1a0c4'],
    ['no key 5f2b8c1d9e at 0xfe12', 'no key 77aa8c1d90 at 0x01'],
  ])('of an error without frames of the application leaves ids and numbers out: %s', (one, other) => {
    expect(thrown(one, [])).toBe(thrown(other, []));
    expect(thrown(one, [])).not.toBe(thrown('something else', []));
  });

  it('groups primitives by what they say', () => {
    expect(fingerprintException('timeout after 30 ms', 'string', 'timeout after 30 ms')).toBe(
      fingerprintException('timeout after 45 ms', 'string', 'timeout after 45 ms'),
    );
  });

  it('survives causes that go in circles', () => {
    const error = new Error('round');
    error.cause = error;
    expect(fingerprintException(error, 'Error', 'round')).toMatch(/^[0-9a-f]{16}$/);
  });

  it.each<[what: string, error: Error]>([
    ['an error', new Error('no stock of 7')],
    ['an error with a cause', new TypeError('no order', { cause: new RangeError('no id') })],
    ['an error with a chain of causes', new Error('a', { cause: new Error('b', { cause: new Error('c') }) })],
    ['an error without frames of the application', withoutFrames(new Error('no key 12'))],
    [
      'an error with a message of several lines',
      new Error('one\n    at Fake.frame (/app/fake.js:1:1)\nthree'),
    ],
  ])('is the same by the texts of %s alone, as in a log line', (_what, error) => {
    const { name, message } = error;
    expect(fingerprintTexts(name, message, stackWithCauses(error))).toBe(
      fingerprintException(error, name, message),
    );
  });
});

function withoutFrames(error: Error): Error {
  error.stack = `${error.name}: ${error.message}\n    at node:internal/timers:1:1`;
  return error;
}

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

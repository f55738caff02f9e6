import { Logger } from '@nestjs/common';

import { TelemetryLogger } from '../../lib/logging/telemetry-logger.js';
import { inSpan, type ObservedLogging, observeLogging, stopObserving } from './observe-logging.js';

describe('TelemetryLogger', () => {
  const telemetry = new TelemetryLogger('OrderService');
  let logging: ObservedLogging | undefined;

  afterEach(() => {
    stopObserving(logging);
    logging = undefined;
    jest.restoreAllMocks();
  });

  it('writes each method at its level, with context, fields and ids', () => {
    logging = observeLogging();
    inSpan('work', () => {
      telemetry.logDebug('d', { n: 1 });
      telemetry.logInfo('i');
      telemetry.logWarning('w');
      telemetry.logError('e');
    });

    expect(logging.lines()).toMatchObject([
      { level: 20, msg: 'd', n: 1 },
      { level: 30, msg: 'i' },
      { level: 40, msg: 'w' },
      { level: 50, msg: 'e' },
    ]);
    for (const line of logging.lines()) {
      expect(line).toMatchObject({
        context: 'OrderService',
        trace_id: logging.spans()[0]!.spanContext().traceId,
      });
    }
  });

  it('takes percent signs in a message literally', () => {
    logging = observeLogging();
    telemetry.logInfo('100%s done %d', { n: 1 });
    expect(logging.line().msg).toBe('100%s done %d');
  });

  it('leaves the extras as the caller passed them', () => {
    logging = observeLogging();
    const extra = Object.freeze({ level: 'gold', err: new Error('x') });
    telemetry.logInfo('frozen', extra);
    expect(logging.line()).toMatchObject({ extra_level: 'gold', err: { message: 'x' } });
    expect(Object.keys(extra)).toEqual(['level', 'err']);
  });

  it('carries type, message, stack, own properties and the whole cause chain of an error', () => {
    class OrderError extends Error {}
    logging = observeLogging();
    const root = Object.assign(new Error('refused'), { code: 'ECONNREFUSED', port: 5432 });
    const middle = new RangeError('pool empty', { cause: root });
    telemetry.logError(
      'Order failed',
      Object.assign(new OrderError('no order', { cause: middle }), { orderId: 42 }),
    );

    expect(logging.line().err).toMatchObject({
      type: 'OrderError',
      message: 'no order',
      stack: expect.stringContaining('telemetry-logger.spec') as string,
      orderId: 42,
      cause: {
        type: 'RangeError',
        message: 'pool empty',
        stack: expect.any(String) as string,
        cause: { type: 'Error', message: 'refused', code: 'ECONNREFUSED', port: 5432 },
      },
    });
  });

  it('carries what an AggregateError collected, and a cause that is no error', () => {
    logging = observeLogging();
    telemetry.logError(
      'All failed',
      new AggregateError([new TypeError('a'), 'b'], 'all', { cause: { status: 503 } }),
    );
    expect(logging.line().err).toMatchObject({
      type: 'AggregateError',
      cause: { status: 503 },
      errors: [{ type: 'TypeError', message: 'a' }, 'b'],
    });
  });

  it('survives causes that go in a circle', () => {
    logging = observeLogging();
    const a = new Error('a');
    a.cause = new Error('b', { cause: a });
    telemetry.logError('circle', a);
    expect(logging.line().err).toMatchObject({
      message: 'a',
      cause: { message: 'b', cause: '[Circular]' },
    });
  });

  it.each([
    ['a text', 'out of stock', { type: 'string', message: 'out of stock' }],
    ['a number', 404, { type: 'number', message: '404' }],
    ['null', null, { type: 'null', message: 'null' }],
    ['a bigint', 9n, { type: 'bigint', message: '"9"' }],
    ['a symbol', Symbol('why'), { type: 'symbol', message: '"Symbol(why)"' }],
  ])('describes %s that was thrown', (_name, thrown, expected) => {
    logging = observeLogging();
    telemetry.logError('Failed', thrown);
    expect(logging.line().err).toMatchObject(expected);
  });

  it('takes an error under err beside fields, and errors under other keys', () => {
    logging = observeLogging();
    telemetry.logWarning('Retrying', {
      attempt: 2,
      err: new TypeError('reset'),
      previous: new RangeError('earlier'),
    });
    expect(logging.line()).toMatchObject({
      attempt: 2,
      err: { type: 'TypeError', message: 'reset' },
      previous: { type: 'RangeError', message: 'earlier' },
    });
  });

  it('writes errors under the key that pino was given', () => {
    logging = observeLogging({ pino: { errorKey: 'error' } });
    telemetry.logError('a', new Error('x'));
    telemetry.logError('b', { err: new Error('y') });
    expect(logging.lines()).toMatchObject([{ error: { message: 'x' } }, { error: { message: 'y' } }]);
    expect(logging.lines()[1]).not.toHaveProperty('err');
  });

  it('bounds own properties such as the request of an HTTP client', () => {
    logging = observeLogging();
    const deep: Record<string, unknown> = {
      body: 'x'.repeat(1_000_000),
      list: Array.from({ length: 10_000 }),
    };
    deep.self = deep;
    telemetry.logError('Call failed', Object.assign(new Error('502'), { request: deep }));
    expect(JSON.stringify(logging.line()).length).toBeLessThan(32_000);
  });

  it('writes the line when a getter of the extras throws', () => {
    logging = observeLogging();
    telemetry.logInfo('odd', {
      get broken(): string {
        throw new Error('getter');
      },
    });
    expect(logging.line()).toMatchObject({ msg: 'odd', context: 'OrderService' });
  });

  it('goes to the logger of NestJS before logging is started', () => {
    const log = jest.spyOn(Logger.prototype, 'log').mockImplementation();
    const error = jest.spyOn(Logger.prototype, 'error').mockImplementation();
    telemetry.logInfo('early', { id: 1 });
    telemetry.logError('early failure', new Error('boom', { cause: new Error('why') }));

    expect(log).toHaveBeenCalledWith('early { id: 1 }');
    expect(error).toHaveBeenCalledWith(
      expect.stringMatching(/^early failure\nError: boom\n\s+at [^]*Caused by: Error: why/),
    );
  });

  it('still reaches the destination after the stop, so that the last lines of a process are not lost', () => {
    logging = observeLogging();
    logging.stop();
    telemetry.logInfo('late');
    expect(logging.line()).toMatchObject({ msg: 'late' });
  });

  it('writes to the one root also from a second copy of this package, as ESM beside CommonJS is', () => {
    logging = observeLogging();
    jest.isolateModules(() => {
      const copy = jest.requireActual<{ TelemetryLogger: typeof TelemetryLogger }>(
        '../../lib/logging/telemetry-logger.js',
      );
      expect(copy.TelemetryLogger).not.toBe(TelemetryLogger);
      new copy.TelemetryLogger('SecondCopy').logInfo('hello');
    });
    expect(logging.line()).toMatchObject({ context: 'SecondCopy', msg: 'hello' });
  });
});

import { Logger } from '@nestjs/common';

import { type ObservedLogging, observeLogging, stopObserving } from './observe-logging.js';

class OrderBasket {
  readonly items: string[] = [];
}

describe("NestJS's Logger", () => {
  let logging: ObservedLogging;
  const logger = new Logger('OrderService');

  beforeEach(() => {
    logging = observeLogging();
  });

  afterEach(() => {
    stopObserving(logging);
  });

  it('writes each method at its level with the class as context', () => {
    logger.verbose('v');
    logger.debug('d');
    logger.log('l');
    logger.warn('w');
    logger.error('e');
    logger.fatal('f');

    expect(logging.lines().map(({ level, msg, context }) => [level, msg, context])).toEqual([
      [10, 'v', 'OrderService'],
      [20, 'd', 'OrderService'],
      [30, 'l', 'OrderService'],
      [40, 'w', 'OrderService'],
      [50, 'e', 'OrderService'],
      [60, 'f', 'OrderService'],
    ]);
  });

  it('takes the context of a static call from its last argument', () => {
    Logger.log('started', 'Bootstrap');
    Logger.log('no context');
    expect(logging.lines()).toMatchObject([{ msg: 'started', context: 'Bootstrap' }, { msg: 'no context' }]);
    expect(logging.lines()[1]).not.toHaveProperty('context');
  });

  it('puts plain objects after the message onto the line as fields', () => {
    logger.log('packed', { id: 1 }, { tags: ['a'] });
    expect(logging.line()).toMatchObject({ msg: 'packed', id: 1, tags: ['a'], context: 'OrderService' });
  });

  it('keeps a context and an error among the fields apart from those of the line', () => {
    logger.log('packed', { context: 'checkout', id: 1 });
    logger.log('packed', { err: new RangeError('out'), id: 2 });
    const hostile = {
      id: 3,
      get secret(): string {
        throw new Error('no');
      },
    };
    logger.log('packed', hostile);
    logger.log(
      'packed',
      Object.fromEntries(Array.from({ length: 1_500 }, (_, index) => [`f${index}`, index])),
    );
    expect(logging.lines()).toMatchObject([
      { msg: 'packed', id: 1, context: 'OrderService', extra_context: 'checkout' },
      { msg: 'packed', id: 2, context: 'OrderService', err: { type: 'RangeError', message: 'out' } },
      { msg: 'packed' },
      { msg: 'packed', context: 'OrderService', f10: 10 },
    ]);
    expect(logging.lines()[3]).not.toHaveProperty('f1499');
  });

  it('writes an object passed as the message as fields, its own message as the text', () => {
    logger.log({ id: 1, message: 'packed' });
    logger.log({ id: 2, context: 'checkout' });
    expect(logging.lines()).toMatchObject([
      { msg: 'packed', id: 1, context: 'OrderService' },
      { msg: '', id: 2, context: 'OrderService', extra_context: 'checkout' },
    ]);
  });

  it('writes further messages as lines of their own, as NestJS does', () => {
    logger.log('one', 'two', 3);
    expect(logging.lines().map(({ msg, context }) => [msg, context])).toEqual([
      ['one', 'OrderService'],
      ['two', 'OrderService'],
      ['3', 'OrderService'],
    ]);
  });

  it('reads a stack passed as text, as the exception handlers of NestJS pass it', () => {
    const error = new TypeError('boom');
    logger.error('Request failed', error.stack);
    Logger.error('static', error.stack, 'ExceptionsHandler');
    expect(logging.lines()).toMatchObject([
      {
        msg: 'Request failed',
        context: 'OrderService',
        err: { type: 'TypeError', message: 'boom', stack: error.stack },
      },
      { msg: 'static', context: 'ExceptionsHandler', err: { type: 'TypeError', stack: error.stack } },
    ]);
  });

  it('keeps a text that is no stack as details of the one error line', () => {
    logger.error('Request failed', 'upstream said no');
    expect(logging.line()).toMatchObject({ msg: 'Request failed', details: 'upstream said no' });
  });

  it('writes errors with cause, as the message and beside it', () => {
    logger.error(new TypeError('alone', { cause: new Error('why') }));
    logger.error('with message', new RangeError('beside'));
    logger.warn('warned', new Error('mild'), { id: 1 });
    expect(logging.lines()).toMatchObject([
      { msg: 'alone', context: 'OrderService', err: { type: 'TypeError', cause: { message: 'why' } } },
      { msg: 'with message', err: { type: 'RangeError' } },
      { level: 40, msg: 'warned', id: 1, err: { message: 'mild' } },
    ]);
  });

  it('calls a function for its message and names a class', () => {
    logger.log(() => 'computed');
    logger.log(OrderBasket);
    expect(logging.lines().map((line) => line.msg)).toEqual(['computed', 'OrderBasket']);
  });

  it.each<[unknown, string]>([
    [undefined, 'undefined'],
    [null, 'null'],
    [42, '42'],
    [7n, '7n'],
    [new Map([['a', 1]]), "Map(1) { 'a' => 1 }"],
    [['a', 1], "[ 'a', 1 ]"],
  ])('writes %p readably', (message, expected) => {
    logger.log(message);
    expect(logging.line().msg).toBe(expected);
  });

  it('does not pass a message through a formatter', () => {
    logger.log('100%s');
    expect(logging.line().msg).toBe('100%s');
  });
});

import { Logger as NestLogger } from '@nestjs/common';
import { trace } from '@opentelemetry/api';
import { type Logger } from 'pino';

import { serializeError } from '../../lib/engine/describe-error.js';
import { TelemetryLogger } from '../../lib/logging/telemetry-logger.js';
import { errorTree, HOSTILE_VALUES } from '../support/hostile-values.js';
import { type ObservedLogging, observeLogging, stopObserving } from './observe-logging.js';

type Write = (value: never) => void;

const logger = new TelemetryLogger('Hostile');
const nest = new NestLogger('Hostile');

/** Every way to write a line, with the value in each place. */
const METHODS: Record<string, (root: Logger) => Write> = {
  'TelemetryLogger, as message': () => (value) => {
    logger.logDebug(value);
    logger.logInfo(value);
    logger.logWarning(value);
    logger.logError(value);
  },
  'TelemetryLogger, as extra': () => (value) => {
    logger.logInfo('text', value);
    logger.logError('text', value);
  },
  'TelemetryLogger, as a field': () => (value) => {
    logger.logInfo('text', { field: value });
    logger.logError('text', { err: value, after: 1 });
  },
  "Nest's Logger, as message": () => (value) => {
    nest.log(value);
    nest.error(value);
    nest.warn(value);
    nest.debug(value);
    nest.verbose(value);
    nest.fatal(value);
  },
  "Nest's Logger, as parameter": () => (value) => {
    nest.log('text', value);
    nest.error('text', value);
    nest.error('text', value, value);
    nest.log({ field: value });
  },
  pino: (root) => (value) => {
    root.info(value);
    root.info({ field: value }, 'text');
    root.info({}, value);
    root.info('text %s %d %j', value, value, value);
    root.error({ err: value });
    root.child({ a: 1 }).warn(value);
  },
};

describe.each(['json', 'text'] as const)('a log line as %s', (format) => {
  let observed: ObservedLogging;
  beforeEach(() => {
    observed = observeLogging({ format, level: 'trace' });
  });
  afterEach(() => {
    stopObserving(observed);
  });

  it.each(Object.keys(METHODS))('is written by %s of any value, and so is the next one', (method) => {
    const write = METHODS[method]!(observed.logger!);
    for (const { name, make } of HOSTILE_VALUES) {
      observed.text.length = 0;
      trace.getTracer('test').startActiveSpan('work', (span) => {
        write(make() as never);
        span.end();
      });
      logger.logInfo('after', { fine: true });

      expect([name, observed.text.length > 1]).toEqual([name, true]);
      expect([name, observed.text.filter((line) => line.length > 300_000 || !line.endsWith('\n'))]).toEqual([
        name,
        [],
      ]);
      if (format === 'json')
        expect([name, observed.text.filter((line) => !isJson(line))]).toEqual([name, []]);
      expect(observed.text.at(-1)).toContain('after');
    }
  });
});

function isJson(line: string): boolean {
  try {
    return typeof JSON.parse(line) === 'object';
  } catch {
    return false;
  }
}

describe('a log line of a value that is no text', () => {
  let observed: ObservedLogging;
  beforeEach(() => {
    observed = observeLogging({ format: 'json', level: 'trace' });
  });
  afterEach(() => {
    stopObserving(observed);
  });

  it('has a symbol and a BigInt as text', () => {
    logger.logInfo(Symbol('order') as never, { id: 5n, kind: Symbol('k') });
    nest.log(Symbol('order'));
    observed.logger?.info(Symbol('order') as never);
    observed.logger?.info(5n as never);

    expect(observed.lines()).toMatchObject([
      { msg: 'Symbol(order)', id: '5', kind: 'Symbol(k)' },
      { msg: 'Symbol(order)' },
      { msg: 'Symbol(order)' },
      { msg: '5' },
    ]);
  });

  it.each(['logDebug', 'logInfo', 'logWarning', 'logError'] as const)(
    'has message, type and stack of an error that %s() is given first',
    (method) => {
      const error = new RangeError('out of stock');
      logger[method](error);
      logger[method](error, { order: 'a1' });

      const err = {
        type: 'RangeError',
        message: 'out of stock',
        stack: expect.stringContaining('hostile-lines') as string,
      };
      expect(observed.lines()).toMatchObject([
        { msg: 'out of stock', err },
        { msg: 'out of stock', err, order: 'a1' },
      ]);
    },
  );

  it('has the first errors of a tree of 111,111, in bounded time', () => {
    const tree = errorTree(10, 5);
    const plain = errorTree(10, 1);
    const timed = (error: Error) => {
      const startedAt = performance.now();
      serializeError(error);
      return performance.now() - startedAt;
    };
    const best = (error: Error) => Math.min(...Array.from({ length: 5 }, () => timed(error)));
    const reference = best(plain);

    // 11 errors against 50: without a bound it would be 10,000 times as many.
    expect(best(tree)).toBeLessThan(Math.max(20 * reference, 20));
    logger.logError('failed', tree);
    expect(JSON.stringify(observed.line()).length).toBeLessThan(300_000);
    expect(observed.line()).toMatchObject({ err: { type: 'AggregateError', message: 'level 5' } });
  });
});

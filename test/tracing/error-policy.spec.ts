import { setTimeout as later } from 'node:timers/promises';

import { NotFoundException } from '@nestjs/common';
import { SpanStatusCode } from '@opentelemetry/api';
import { type ReadableSpan } from '@opentelemetry/sdk-trace';

import { tracerFor } from '../../lib/runtime/tracers.js';
import { runInSpan } from '../../lib/tracing/run-in-span.js';
import { startTracing, type TestTracing } from '../support/start-tracing.js';

let tracing: TestTracing;

beforeEach(() => {
  tracing = startTracing();
});

afterEach(() => {
  tracing.stop();
});

const within = <T>(name: string, fn: () => T): T => runInSpan(tracerFor('test'), name, {}, fn);
const exceptionsOf = (span: ReadableSpan) => span.events.filter(({ name }) => name === 'exception');

/** Names of the spans that tell of an exception, one entry for each telling. */
const tellers = () => tracing.spans().flatMap((span) => exceptionsOf(span).map(() => span.name));

describe('the error policy', () => {
  it('records an exception once, where it was thrown first, however many spans and ticks it passes', async () => {
    await within('outer', async () => {
      await later(1);
      await within('middle', async () => {
        await within('inner', async () => {
          await later(1);
          throw new Error('gone');
        }).catch((error: unknown) => {
          throw error;
        });
      });
    }).catch(() => undefined);

    expect(tellers()).toEqual(['inner']);
    expect(tracing.spans().map(({ status }) => status.code)).toEqual(Array(3).fill(SpanStatusCode.ERROR));
  });

  it('records the same error again when another trace fails with it', () => {
    const error = new Error('shared');
    for (const name of ['first', 'second']) {
      expect(() =>
        within(name, () => {
          throw error;
        }),
      ).toThrow(error);
    }
    expect(tellers()).toEqual(['first', 'second']);
  });

  it('records an error that wraps another, with the stack of its cause', async () => {
    await within('outer', async () => {
      try {
        within('inner', () => {
          throw new Error('no route to host');
        });
      } catch (cause) {
        throw new Error('stock is unreachable', { cause });
      }
    }).catch(() => undefined);

    expect(tellers()).toEqual(['inner', 'outer']);
    const [event] = exceptionsOf(tracing.span('outer'));
    expect(event?.attributes).toMatchObject({ 'exception.message': 'stock is unreachable' });
    expect(event?.attributes?.['exception.stacktrace']).toMatch(
      /^Error: stock is unreachable\n[^]+\nCaused by: Error: no route to host\n/,
    );
  });

  it.each(['a text', 42, null, undefined])('records a thrown %p once on its way up', (thrown) => {
    expect(() =>
      within('outer', () =>
        within('inner', () => {
          // eslint-disable-next-line @typescript-eslint/only-throw-error -- what is under test
          throw thrown;
        }),
      ),
    ).toThrow();
    expect(tellers()).toEqual(['inner']);
  });

  it('records equal texts that were thrown in two places twice', () => {
    within('outer', () => {
      for (const name of ['left', 'right']) {
        try {
          within(name, () => {
            // eslint-disable-next-line @typescript-eslint/only-throw-error -- what is under test
            throw 'broken';
          });
        } catch {
          // Handled by the application, as it is allowed to.
        }
      }
    });
    expect(tellers()).toEqual(['left', 'right']);
  });

  it('groups the event and every span on the way by one fingerprint', () => {
    const fail = (message: string) => () =>
      within('outer', () =>
        within('inner', () => {
          throw new RangeError(message);
        }),
      );
    expect(fail('order 1')).toThrow();
    expect(fail('order 2')).toThrow();

    const fingerprints = tracing
      .spans()
      .flatMap((span) =>
        [span, ...exceptionsOf(span)].map(({ attributes }) => attributes?.['exception.fingerprint']),
      );
    expect(fingerprints).toHaveLength(6);
    expect(new Set(fingerprints).size).toBe(1);
    expect(fingerprints[0]).toMatch(/^[0-9a-f]{16}$/);
  });

  it('records an answer below 500 without making the span an error', () => {
    expect(() =>
      within('lookup', () => {
        throw new NotFoundException();
      }),
    ).toThrow(NotFoundException);
    const span = tracing.span('lookup');
    expect(span.status.code).toBe(SpanStatusCode.UNSET);
    expect(exceptionsOf(span)).toHaveLength(1);
  });
});

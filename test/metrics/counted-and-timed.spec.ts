import 'reflect-metadata';

import { once } from 'node:events';
import { Readable } from 'node:stream';
import { setTimeout as later } from 'node:timers/promises';

import { BadGatewayException, ConflictException, NotFoundException } from '@nestjs/common';
import { type Histogram } from '@opentelemetry/sdk-metrics';
import { defer, interval, lastValueFrom, of, retry, throwError } from 'rxjs';

import { TelemetryError } from '../../lib/errors/telemetry.error.js';
import { resetWarnings, setWarningSink } from '../../lib/errors/warnings.js';
import { Counted, Timed } from '../../lib/metrics/counted-and-timed.decorator.js';
import { type CollectingSdk, startCollectingSdk } from './collecting-sdk.js';

let sdk: CollectingSdk;

beforeEach(() => {
  sdk = startCollectingSdk();
});

afterEach(async () => {
  await sdk.stop();
});

/** What `name` counted in `scope`, by outcome. */
async function outcomes(name: string, scope?: string): Promise<Record<string, number>> {
  const points = await sdk.points(name, scope);
  return Object.fromEntries(
    points.map(({ attributes, value }) => [
      String(attributes.outcome),
      typeof value === 'number' ? value : value.count,
    ]),
  );
}

class OrderService {
  @Counted('orders_processed_total')
  process(id: string): string {
    if (id === '') throw new Error('no id');
    return id;
  }

  @Counted('orders.loaded')
  async load(id: string): Promise<string> {
    await later(1);
    return this.process(id);
  }

  @Counted('orders.watched')
  watch(what: 'end' | 'fail' | 'ever') {
    return what === 'end' ? of(1) : what === 'fail' ? throwError(() => new Error('gone')) : interval(1000);
  }

  @Counted('orders.listed')
  *list() {
    yield 1;
    yield 2;
  }

  @Counted('orders.exported')
  export() {
    return Readable.from(['a']);
  }

  @Counted()
  @Timed()
  plain(): number {
    return 1;
  }

  @Timed('orders.slept')
  async sleep(milliseconds: number): Promise<void> {
    await later(milliseconds);
  }

  @Counted({
    name: 'orders.by.kind',
    description: 'Orders by kind',
    attributes: (kind: string) => ({ kind }),
  })
  byKind(kind: string): string {
    return kind;
  }

  @Counted({ name: 'orders.broken.attributes', attributes: (of: { kind: string }) => ({ kind: of.kind }) })
  brokenAttributes(of?: { kind: string }): number {
    return of === undefined ? 0 : 1;
  }

  @Counted('orders.twice.a')
  @Counted('orders.twice.b')
  twice(): number {
    return 2;
  }
}

describe('@Counted()', () => {
  it('counts success and error of a synchronous method, which keep their value and error', async () => {
    const orders = new OrderService();

    expect(orders.process('o1')).toBe('o1');
    expect(() => orders.process('')).toThrow('no id');

    expect(await outcomes('orders_processed_total', 'OrderService')).toEqual({ success: 1, error: 1 });
  });

  it('counts a promise when it settles, not when it is returned', async () => {
    const pending = new OrderService().load('o1');
    expect(await sdk.points('orders.loaded')).toEqual([]);

    await pending;
    await new OrderService().load('').catch(() => undefined);

    expect(await outcomes('orders.loaded')).toEqual({ success: 1, error: 1 });
  });

  it('counts an Observable when it completes, fails or is unsubscribed', async () => {
    const orders = new OrderService();

    await lastValueFrom(orders.watch('end'));
    await lastValueFrom(orders.watch('fail')).catch(() => undefined);
    orders.watch('ever').subscribe().unsubscribe();

    expect(await outcomes('orders.watched')).toEqual({ success: 1, error: 1, cancelled: 1 });
  });

  it('counts an answer below 500 as refused, by the policy that keeps it from being an error of the span', async () => {
    class Shop {
      @Counted('orders.found')
      async find(error: Error): Promise<never> {
        throw error;
      }
    }

    for (const error of [
      new NotFoundException(),
      new ConflictException(),
      new BadGatewayException(),
      new Error(),
    ])
      await new Shop().find(error).catch(() => undefined);

    expect(await outcomes('orders.found')).toEqual({ refused: 2, error: 2 });
  });

  it('counts each retry of an Observable as a call', async () => {
    let attempts = 0;
    class Flaky {
      @Counted('flaky.calls')
      call() {
        return defer(() => (++attempts < 3 ? throwError(() => new Error('again')) : of('done')));
      }
    }

    await lastValueFrom(new Flaky().call().pipe(retry(5)));

    expect(await outcomes('flaky.calls')).toEqual({ error: 2, success: 1 });
  });

  it('counts a generator when it is exhausted or left', async () => {
    expect([...new OrderService().list()]).toEqual([1, 2]);
    for (const item of new OrderService().list()) if (item === 1) break;

    expect(await outcomes('orders.listed')).toEqual({ success: 1, cancelled: 1 });
  });

  it('counts a stream when it has ended', async () => {
    const stream = new OrderService().export().resume();
    expect(await sdk.points('orders.exported')).toEqual([]);

    await once(stream, 'close');

    expect(await outcomes('orders.exported')).toEqual({ success: 1 });
  });

  it('counts into method.calls with the name of the method when it has no name', async () => {
    new OrderService().plain();

    expect(await sdk.points('method.calls', 'OrderService')).toMatchObject([
      { value: 1, attributes: { 'code.function.name': 'OrderService.plain', outcome: 'success' } },
    ]);
  });

  it('labels with the attributes that the arguments give', async () => {
    new OrderService().byKind('rush');

    expect(await sdk.points('orders.by.kind')).toMatchObject([
      { value: 1, attributes: { kind: 'rush', outcome: 'success' } },
    ]);
  });

  it('warns and counts without them when the attributes function throws', async () => {
    const warnings: string[] = [];
    resetWarnings();
    const restore = setWarningSink((message) => warnings.push(message));

    expect(new OrderService().brokenAttributes()).toBe(0);

    restore();
    expect(await outcomes('orders.broken.attributes')).toEqual({ success: 1 });
    expect(warnings).toEqual([expect.stringContaining('OrderService.brokenAttributes failed')]);
  });

  it('counts into both when two names stand on one method', async () => {
    new OrderService().twice();

    expect(await outcomes('orders.twice.a')).toEqual({ success: 1 });
    expect(await outcomes('orders.twice.b')).toEqual({ success: 1 });
  });

  it('counts every method of a class and leaves one alone that has its own', async () => {
    @Counted('users.calls')
    class UserService {
      find(): number {
        return 1;
      }

      @Counted('users.removed')
      remove(): number {
        return 2;
      }
    }

    new UserService().find();
    new UserService().remove();

    expect(await sdk.points('users.calls')).toMatchObject([
      { value: 1, attributes: { 'code.function.name': 'UserService.find', outcome: 'success' } },
    ]);
    expect(await outcomes('users.removed')).toEqual({ success: 1 });
  });

  it('refuses a name that OpenTelemetry does not allow where it is written', () => {
    expect(() => Counted('no spaces')).toThrow(TelemetryError);
    expect(() => Timed({ name: '0' })).toThrow(TelemetryError);
  });
});

describe('@Timed()', () => {
  it('records seconds until the work is over, in buckets for seconds', async () => {
    await new OrderService().sleep(30);

    const [point] = await sdk.points('orders.slept', 'OrderService');
    const { sum = 0, buckets } = point?.value as Histogram;
    expect(point?.attributes).toEqual({ outcome: 'success' });
    expect(sum).toBeGreaterThan(0.025);
    expect(sum).toBeLessThan(5);
    expect(buckets.boundaries).toEqual([
      0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
    ]);
  });

  it('records into method.duration, in seconds, when it has no name', async () => {
    new OrderService().plain();

    const data = (await sdk.collect()).find(({ descriptor }) => descriptor.name === 'method.duration');
    expect(data?.descriptor.unit).toBe('s');
    expect(await outcomes('method.duration')).toEqual({ success: 1 });
  });
});

import 'reflect-metadata';

import { type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { Writable } from 'node:stream';

import { Controller, Get, type INestApplication, Injectable, Logger, Module, Scope } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { PinoLogger } from 'nestjs-pino';
import {
  type DashboardOptions,
  getTelemetry,
  TelemetryModule,
  type TelemetryOptions,
  TelemetryService,
  type TemporaryChange,
} from 'nestjs-telemetry';
import { createTelemetryProbe, type TelemetryProbe } from 'nestjs-telemetry/testing';

import { type ControlAnswer } from '../../../../lib/dashboard/panels/control/query.js';
import { eventually } from '../../../support/eventually.js';

@Injectable()
class Prices {
  find(): number {
    return 1;
  }
}

@Injectable()
class Orders {
  private readonly nest = new Logger('NestOrders');

  constructor(
    private readonly telemetry: TelemetryService,
    private readonly pino: PinoLogger,
    private readonly prices: Prices,
  ) {
    pino.setContext('PinoOrders');
  }

  place(): number {
    this.telemetry.logDebug('telemetry debug');
    this.telemetry.logInfo('telemetry info');
    this.nest.debug('nest debug');
    this.nest.log('nest info');
    this.pino.debug('pino debug');
    this.pino.info('pino info');
    return this.prices.find();
  }
}

@Controller('orders')
class OrdersController {
  constructor(private readonly orders: Orders) {}

  @Get()
  place(): number {
    return this.orders.place();
  }
}

const TOKEN = 'a-token-of-this-test-0123456789';

describe('changes at run time', () => {
  let probe: TelemetryProbe;
  let app: INestApplication;
  let address: string;
  let lines: Record<string, unknown>[];

  const start = async (options: TelemetryOptions = {}, dashboard: DashboardOptions = {}): Promise<void> => {
    probe = createTelemetryProbe();
    lines = [];
    const destination = new Writable({
      write(chunk: Buffer, _encoding, callback) {
        for (const line of chunk.toString().trim().split('\n'))
          lines.push(JSON.parse(line) as Record<string, unknown>);
        callback();
      },
    });
    @Module({
      imports: [
        TelemetryModule.forRoot({
          ...probe.options,
          environment: 'development',
          logging: { destination, format: 'json', level: 'info' },
          dashboard: { token: TOKEN, ...dashboard },
          store: { file: ':memory:' },
          ...options,
        }),
      ],
      controllers: [OrdersController],
      providers: [Orders, Prices, { provide: 'unused', scope: Scope.DEFAULT, useValue: 1 }],
    })
    class AppModule {}
    app = await NestFactory.create(AppModule, new ExpressAdapter(), { abortOnError: false });
    await app.listen(0, '127.0.0.1');
    const { port } = (app.getHttpServer() as Server).address() as AddressInfo;
    address = `http://127.0.0.1:${port}`;
  };

  afterEach(() => app.close());

  const api = (path: string, body?: object, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${address}/telemetry/api/v1/${path}`, {
      ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
      headers: {
        authorization: `Bearer ${TOKEN}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
    });

  const change = async (body: object): Promise<TemporaryChange> => {
    const response = await api('control/changes', body);
    expect(response.status).toBe(200);
    return (await response.json()) as TemporaryChange;
  };

  const reasonOf = async (response: Response): Promise<string> =>
    ((await response.json()) as { error: { message: string } }).error.message;

  const active = async (): Promise<ControlAnswer['changes']> =>
    ((await (await api('control')).json()) as ControlAnswer).changes;

  /** The messages of one request, without the line of the request itself. */
  const messagesOfARequest = async (): Promise<string[]> => {
    lines.length = 0;
    await (await fetch(`${address}/orders`)).text();
    await eventually('the request line', () => lines.some(({ context }) => context === 'HTTP'));
    return lines.filter(({ context }) => context !== 'HTTP').map(({ msg }) => String(msg));
  };

  const INFO = ['telemetry info', 'nest info', 'pino info'];

  it.each([
    ['Orders', 'telemetry debug'],
    ['NestOrders', 'nest debug'],
    ['PinoOrders', 'pino debug'],
  ])('write the debug lines of the context %s and of no other', async (target, message) => {
    await start();
    expect(await messagesOfARequest()).toEqual(INFO);
    const { id } = await change({ kind: 'log-level', target, value: 'debug' });
    expect((await messagesOfARequest()).sort()).toEqual([...INFO, message].sort());
    expect((await api('control/cancel', { id })).status).toBe(200);
    expect(await messagesOfARequest()).toEqual(INFO);
  });

  it('raise and lower the level of all contexts, where that of one context comes first', async () => {
    await start();
    await change({ kind: 'log-level', value: 'error' });
    lines.length = 0;
    await fetch(`${address}/orders`);
    await change({ kind: 'log-level', target: 'PinoOrders', value: 'debug' });
    await fetch(`${address}/orders`);
    const written = lines.filter(({ context }) => context !== 'TelemetryControl').map(({ msg }) => msg);
    expect(written).toEqual(['pino debug', 'pino info']);
  });

  it('replace a change of the same target', async () => {
    await start();
    await change({ kind: 'log-level', target: 'Orders', value: 'debug' });
    const second = await change({ kind: 'log-level', target: 'Orders', value: 'error' });
    expect((await active()).map(({ id }) => id)).toEqual([second.id]);
    expect(await messagesOfARequest()).toEqual(['nest info', 'pino info']);
  });

  it('sample another share of new traces, with both engines', async () => {
    for (const engine of ['fast', 'sdk'] as const) {
      await start({ engine, sampling: { ratio: 0 } });
      const traced = (): boolean => {
        getTelemetry('test').trace('work', () => 0);
        return probe.spans().some(({ name }) => name === 'work');
      };
      expect(traced()).toBe(false);
      const { id } = await change({ kind: 'sampling-ratio', value: 1 });
      expect(traced()).toBe(true);
      probe.reset();
      await api('control/cancel', { id });
      expect(traced()).toBe(false);
      await app.close();
    }
  });

  it('record spans of the calls of a provider', async () => {
    await start();
    const names = async (): Promise<string[]> => {
      probe.reset();
      await (await fetch(`${address}/orders`)).text();
      await eventually('the server span', () => probe.spans().some(({ name }) => name === 'GET /orders'));
      return probe.spans().map(({ name }) => name);
    };
    expect(await names()).not.toContain('Prices.find');
    const { id } = await change({ kind: 'provider-spans', target: 'Prices' });
    expect(await names()).toContain('Prices.find');
    await api('control/cancel', { id });
    expect(await names()).not.toContain('Prices.find');
  });

  it('end by themselves', async () => {
    await start();
    await change({ kind: 'log-level', target: 'Orders', value: 'debug', minutes: 0.002 });
    await eventually('the end', async () => (await active()).length === 0);
    expect(await messagesOfARequest()).toEqual(INFO);
    await change({ kind: 'log-level', target: 'Orders', value: 'debug', minutes: 0.002 });
    await eventually('the line of the end', () => lines.some(({ event }) => event === 'ends by itself'));
  });

  it('end when the module is closed', async () => {
    await start();
    await change({ kind: 'provider-spans', target: 'Prices' });
    await change({ kind: 'log-level', target: 'Orders', value: 'debug' });
    const recorded = Prices.prototype.find;
    await app.close();
    expect(Prices.prototype.find).not.toBe(recorded);
    expect(lines.filter(({ event }) => event === 'ends with telemetry')).toHaveLength(2);
    getTelemetry('Orders').logDebug('after the end');
    expect(lines.some(({ msg }) => msg === 'after the end')).toBe(false);
  });

  it('are logged with the address of who makes them, whatever level is set', async () => {
    await start();
    const { id, endsAt } = await change({ kind: 'log-level', value: 'silent', minutes: 3 });
    await api('control/cancel', { id }, { 'x-forwarded-for': '127.0.0.1' });
    const audit = lines.filter(({ context }) => context === 'TelemetryControl');
    const until = new Date(endsAt).toISOString();
    expect(audit).toMatchObject([
      { level: 40, event: 'begins', by: '127.0.0.1', until, change: 'log-level', value: 'silent' },
      { level: 40, event: 'is cancelled', by: '127.0.0.1 (forwarded for 127.0.0.1)' },
    ]);
    expect(audit[0]!.msg).toBe(`Log level silent for all contexts until ${until}, changed by 127.0.0.1`);
    const refused = await api('control/changes', {
      kind: 'log-level',
      target: 'TelemetryControl',
      value: 'fatal',
    });
    expect(refused.status).toBe(400);
  });

  it('are stored with their log line, so that the page shows who changed what', async () => {
    await start();
    await change({ kind: 'log-level', target: 'Orders', value: 'debug' });
    const stored = await eventually('the stored line', async () => {
      const answer = (await (await api('logs?context=TelemetryControl')).json()) as { items: object[] };
      return answer.items[0];
    });
    expect(JSON.stringify(stored)).toContain('Log level debug for Orders');
  });

  it('list what is active and what can be changed', async () => {
    await start({ sampling: { ratio: 0.25 } });
    await change({ kind: 'log-level', target: 'Orders', value: 'debug', minutes: 60 });
    const { minutes, ...first } = await change({ kind: 'sampling-ratio', value: 0.5 }).then((made) => ({
      ...made,
      minutes: (made.endsAt - made.startedAt) / 60_000,
    }));
    expect(minutes).toBe(15);
    const answer = (await (await api('control')).json()) as ControlAnswer;
    expect(answer.changes[0]).toEqual(first);
    expect(answer).toMatchObject({
      pid: process.pid,
      samplingRatio: 0.5,
      minutes: { default: 15, max: 1_440 },
    });
    expect(answer.providers).toEqual(['Orders', 'Prices']);
    expect(answer.changes.map(({ target }) => target)).toEqual([undefined, 'Orders']);
  });

  it.each([
    [{ kind: 'log-level', value: 'loud' }, 'The log level must be one of'],
    [{ kind: 'log-level', value: 'debug', minutes: 1_441 }, 'at most 1440'],
    [{ kind: 'log-level', value: 'debug', minutes: 0 }, 'above 0'],
    [{ kind: 'log-level', value: 'debug', minutes: '5' }, 'minutes must be a number'],
    [{ kind: 'log-level', value: 'debug', target: '' }, 'at most 200 characters'],
    [{ kind: 'log-level', value: 'debug', target: {} }, 'target must be a text'],
    [{ kind: 'sampling-ratio', value: 2 }, 'from 0 to 1'],
    [{ kind: 'sampling-ratio', value: '1' }, 'from 0 to 1'],
    [{ kind: 'provider-spans', target: 'Nothing' }, 'provides a class Nothing'],
    [{ kind: 'provider-spans' }, 'must be named'],
    [{ kind: 'everything' }, 'kind must be one of'],
    [[], 'Send an object'],
  ])('are refused for %j with the reason', async (body, reason) => {
    await start();
    const response = await api('control/changes', body);
    expect([response.status, await reasonOf(response)]).toEqual([400, expect.stringContaining(reason)]);
    expect(await active()).toEqual([]);
  });

  it('are bounded in number', async () => {
    await start();
    for (let each = 0; each < 20; each += 1)
      await change({ kind: 'log-level', target: `Context${each}`, value: 'debug' });
    const response = await api('control/changes', { kind: 'log-level', target: 'Another', value: 'debug' });
    expect([response.status, await reasonOf(response)]).toEqual([400, expect.stringContaining('20 changes')]);
  });

  it('are never made by GET, without the token, from another origin or by a form', async () => {
    await start();
    const body = { kind: 'log-level', target: 'Orders', value: 'debug' };
    expect((await api('control/changes?kind=log-level&value=debug')).status).toBe(405);
    expect((await api('control/cancel?id=1')).status).toBe(405);
    expect((await api('control/changes', body, { authorization: 'Bearer wrong' })).status).toBe(401);
    expect((await api('control/changes', body, { origin: 'http://evil.example' })).status).toBe(403);
    expect((await api('control/changes', body, { 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    expect((await api('control/changes', body, { 'content-type': 'text/plain' })).status).toBe(415);
    expect(await active()).toEqual([]);
  });

  it('are refused by a dashboard without a token, and can be made in code', async () => {
    await start({}, { token: false });
    const response = await api('control/changes', { kind: 'log-level', value: 'debug' });
    expect([response.status, await reasonOf(response)]).toEqual([
      403,
      expect.stringContaining('dashboard.token: false'),
    ]);
    const { control } = getTelemetry('test');
    const { id } = control.setLogLevel('debug', { context: 'Orders', minutes: 5, by: 'on call' });
    expect(control.list()).toMatchObject([{ id, by: 'on call' }]);
    expect((await active()).map((each) => each.id)).toEqual([id]);
    expect(control.cancel(id)).toBe(true);
    expect(control.cancel(id)).toBe(false);
    expect(() => control.setSamplingRatio(7)).toThrow('from 0 to 1');
  });

  it('of the sampling ratio are refused where a sampler of the application decides', async () => {
    const sampler = { shouldSample: () => ({ decision: 2 }), toString: () => 'own' };
    await start({ sampling: { sampler } });
    const response = await api('control/changes', { kind: 'sampling-ratio', value: 1 });
    expect([response.status, await reasonOf(response)]).toEqual([
      400,
      expect.stringContaining('sampler of the application'),
    ]);
  });

  it('are refused in code when telemetry does not run', async () => {
    await start();
    const { control } = getTelemetry('test');
    await app.close();
    expect(() => control.setLogLevel('debug')).toThrow('Telemetry does not run in this process.');
    expect(control.list()).toEqual([]);
  });
});

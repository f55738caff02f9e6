import 'reflect-metadata';

import { type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { Writable } from 'node:stream';

import { Controller, Get, type INestApplication, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { TelemetryModule } from 'nestjs-telemetry';

import { eventually } from '../../../support/eventually.js';

const TOKEN = 'a-token-of-this-test-0123456789';

@Controller('orders')
class OrdersController {
  @Get()
  place(): string {
    return 'placed';
  }
}

describe('clearing the store over the API', () => {
  let app: INestApplication;
  let address: string;
  let lines: Record<string, unknown>[];

  const start = async (token: string | false): Promise<void> => {
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
          serviceName: 'orders',
          environment: 'development',
          logging: { destination, format: 'json' },
          dashboard: { token },
          store: { file: ':memory:' },
        }),
      ],
      controllers: [OrdersController],
    })
    class AppModule {}
    app = await NestFactory.create(AppModule, new ExpressAdapter(), { logger: false });
    await app.listen(0, '127.0.0.1');
    const { port } = (app.getHttpServer() as Server).address() as AddressInfo;
    address = `http://127.0.0.1:${port}`;
  };
  afterEach(() => app.close());

  const ask = async (path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const response = await fetch(`${address}/telemetry/api/v1/${path}`, {
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', ...headers },
      ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  /** Of the route: the requests of this test are recorded, too. */
  const traces = async (): Promise<number> =>
    ((await ask('traces?route=/orders')).body.items as unknown[]).length;

  it('deletes everything and logs who asked for it, and the service goes on', async () => {
    await start(TOKEN);
    await fetch(`${address}/orders`);
    await eventually(async () => (await traces()) === 1);
    expect(await ask('store/clear', { all: true })).toEqual({ status: 200, body: { cleared: null } });
    expect(await traces()).toBe(0);
    const audit = lines.find(({ event }) => event === 'store is cleared');
    expect(audit).toMatchObject({
      level: expect.anything() as unknown,
      context: 'TelemetryControl',
      msg: expect.stringMatching(/^Everything was deleted from the store by .*127\.0\.0\.1$/) as unknown,
    });
    await fetch(`${address}/orders`);
    await eventually(async () => (await traces()) === 1);
  });

  it('deletes nothing of a service that runs, and nothing for a request that does not say what', async () => {
    await start(TOKEN);
    await fetch(`${address}/orders`);
    await eventually(async () => (await traces()) === 1);
    const running = await ask('store/clear', { service: 'orders' });
    expect([running.status, JSON.stringify(running.body)]).toEqual([
      409,
      expect.stringContaining('orders runs, or has reported in the last minute'),
    ]);
    for (const body of [
      {},
      [],
      { all: 'yes' },
      { service: '' },
      { service: 7 },
      { service: 'orders', all: true },
    ])
      expect((await ask('store/clear', body)).status).toBe(400);
    expect((await ask('store/clear', { all: true }, { authorization: 'Bearer wrong' })).status).toBe(401);
    expect((await ask('store/clear', { all: true }, { 'content-type': 'text/plain' })).status).toBe(415);
    expect((await ask('store/clear', { all: true }, { origin: 'http://evil.example' })).status).toBe(403);
    expect(await traces()).toBe(1);
    expect(lines.filter(({ event }) => event === 'store is cleared')).toEqual([]);
  });

  it('is refused on an open dashboard, which says why beforehand', async () => {
    await start(false);
    expect((await ask('store/clear', { all: true })).status).toBe(403);
    expect((await ask('health')).body.clearRefused).toContain('This dashboard is open');
  });
});

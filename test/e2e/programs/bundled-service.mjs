// A Nest service on Fastify whose one route asks everything that is found without being passed, and pg, which is passed. Bundled into
// one file by its spec; tells its parent its port, and closes when that speaks to it.
import 'reflect-metadata';

import { get } from 'node:http';

import { Controller, Get, Inject, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { instrumentPg, TelemetryModule, TelemetryService, Trace } from 'nestjs-telemetry';
import pg from 'pg';

import { decorate } from './decorate.mjs';

const { DATABASE, UPSTREAM, COLLECTOR } = process.env;

instrumentPg(pg);
const pool = new pg.Pool({ connectionString: DATABASE, max: 1 });

class OrderService {
  constructor(telemetry) {
    this.telemetry = telemetry;
  }
  async find() {
    this.telemetry.logInfo('order read');
    const { rows } = await pool.query('SELECT 1 AS id');
    return rows[0];
  }
}
Injectable()(OrderService);
Inject(TelemetryService)(OrderService, undefined, 0);
decorate(OrderService.prototype, 'find', Trace());

class OrderController {
  constructor(orders) {
    this.orders = orders;
  }
  async find() {
    await (await fetch(`${UPSTREAM}/by-fetch`)).text();
    await new Promise((resolve) => {
      get(`${UPSTREAM}/by-node`, (response) => response.resume().on('end', resolve));
    });
    return this.orders.find();
  }
}
Controller('orders')(OrderController);
Inject(OrderService)(OrderController, undefined, 0);
decorate(OrderController.prototype, 'find', Get(':id'));

class AppModule {}
Module({
  imports: [
    TelemetryModule.forRoot({
      serviceName: 'bundled',
      environment: 'development',
      otlpEndpoint: COLLECTOR,
      otlpProtocol: 'http/json',
      store: { file: ':memory:' },
    }),
  ],
  controllers: [OrderController],
  providers: [OrderService],
})(AppModule);

NestFactory.create(AppModule, new FastifyAdapter(), { logger: false })
  .then(async (app) => {
    await app.listen(0, '127.0.0.1');
    process.once('message', () => {
      void Promise.all([app.close(), pool.end()]).then(() => process.disconnect());
    });
    process.send(app.getHttpServer().address().port);
  })
  .catch((error) => {
    console.error(error);
    process.exit(1);
  });

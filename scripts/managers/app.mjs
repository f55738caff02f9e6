// The service that scripts/package-managers.mjs installs: whatever of the library finds or loads a package late is used by it, the
// driver that is patched in its prototypes, B3, the exporter, the store and the page.
import 'reflect-metadata';

import { Controller, Get, Headers, Module, Param } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TelemetryModule, Trace } from 'nestjs-telemetry';
import pg from 'pg';

/** Applies decorators to a method, which plain JavaScript has no notation for. */
function decorate(prototype, name, ...decorators) {
  const descriptor = Object.getOwnPropertyDescriptor(prototype, name);
  for (const decorator of decorators) decorator(prototype, name, descriptor);
  Object.defineProperty(prototype, name, descriptor);
}

// Nobody listens there: the query is recorded with its error.
const pool = new pg.Pool({ host: '127.0.0.1', port: 1, max: 1 });

class OrdersController {
  async find(id) {
    await this.load(id);
    const answer = await fetch(`http://127.0.0.1:${process.env.PORT}/stock`);
    return { id, sent: await answer.json() };
  }
  load(id) {
    return pool.query('SELECT * FROM orders WHERE id = $1', [id]).catch(() => undefined);
  }
  stock(headers) {
    return { b3: 'b3' in headers, traceparent: 'traceparent' in headers };
  }
}
decorate(OrdersController.prototype, 'find', Get('orders/:id'));
decorate(OrdersController.prototype, 'load', Trace());
decorate(OrdersController.prototype, 'stock', Get('stock'));
Param('id')(OrdersController.prototype, 'find', 0);
Headers()(OrdersController.prototype, 'stock', 0);
Controller()(OrdersController);

class AppModule {}
Module({
  imports: [TelemetryModule.forRoot({ serviceName: 'orders', propagators: ['tracecontext', 'b3'] })],
  controllers: [OrdersController],
})(AppModule);

const app = await NestFactory.create(AppModule, { bufferLogs: true, abortOnError: false });
app.enableShutdownHooks();
await app.listen(process.env.PORT, '127.0.0.1');

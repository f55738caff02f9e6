// An application that ends in the way `argv[2]` names. With TELEMETRY=off it is the same one without telemetry, so that
// exit status and output can be compared. It says on standard output when it is ready.
import 'reflect-metadata';

import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { getTelemetry, TelemetryModule } from 'nestjs-telemetry';

const [, , ending] = process.argv;

class FailingController {
  /** Fails outside of what anybody waits for, in the context of the request. */
  boom() {
    return new Promise(() => {
      setTimeout(() => {
        const error = new Error('card refused');
        if (ending === 'reject') void Promise.reject(error);
        else throw error;
      }, 5);
    });
  }

  /** A span that ends, and waits to be sent. */
  work() {
    return getTelemetry('orders').trace('work', () => {
      getTelemetry('orders').logInfo('worked');
      return 'worked';
    });
  }
}
Controller()(FailingController);
for (const name of ['boom', 'work'])
  Get(name)(
    FailingController.prototype,
    name,
    Object.getOwnPropertyDescriptor(FailingController.prototype, name),
  );

class AppModule {}
const imports =
  process.env.TELEMETRY === 'off'
    ? []
    : [
        TelemetryModule.forRoot({
          serviceName: 'ending',
          environment: 'production',
          engine: process.env.ENGINE,
          logging: { requestLog: false },
          processEvents: { signalTimeoutMs: Number(process.env.SIGNAL_TIMEOUT_MS ?? 1_000) },
        }),
      ];
Module({ imports, controllers: [FailingController] })(AppModule);

const say = (text) => process.stdout.write(`${text}\n`);
const listeners = {
  'exit-in-handler': () => process.on('uncaughtException', () => process.exit(9)),
  'keep-alive': () =>
    process.on('uncaughtException', (error) => {
      say(`kept alive: ${error.message}`);
      setTimeout(() => process.exit(3), 50);
    }),
  'monitor-throws': () =>
    process.on('uncaughtExceptionMonitor', () => {
      throw new Error('in the monitor');
    }),
  'own-listener': () => process.on('SIGTERM', () => process.exit(5)),
  'late-listener': () => setTimeout(() => process.once('SIGTERM', () => process.exit(6)), 1),
  'counts-listeners': () => {
    // What packages like signal-exit do: raise the signal again unless somebody else listens.
    const listener = () => {
      if (process.listenerCount('SIGTERM') > 1) return;
      process.off('SIGTERM', listener);
      process.kill(process.pid, 'SIGTERM');
    };
    process.on('SIGTERM', listener);
  },
};
listeners[ending]?.();

if (ending === 'context') {
  // Nobody closes it: the process ends when there is nothing left to do.
  await NestFactory.createApplicationContext(AppModule, { logger: false });
  getTelemetry('orders').trace('work', () => getTelemetry('orders').counter('jobs_total').add(1));
} else {
  const app = await NestFactory.create(AppModule, new FastifyAdapter(), {
    ...(process.env.LOGGER !== 'on' && { logger: false }),
  });
  if (ending === 'hooks') app.enableShutdownHooks();
  await app.listen(0, '127.0.0.1');
  process.on('message', () => process.exit(1));
  process.send?.({ port: app.getHttpServer().address().port });
}

// A function as AWS Lambda calls it: the application is created once, the handler runs once per message of the parent, and the
// process may be frozen as soon as its promise is settled. `argv[2]` is the collector, `argv[3]` the longest wait for it in
// milliseconds.
import 'reflect-metadata';

import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TelemetryModule, TelemetryService } from 'nestjs-telemetry';

const [, , otlpEndpoint, timeoutMs] = process.argv;

class AppModule {}
Module({
  imports: [
    TelemetryModule.forRoot({
      serviceName: 'thumbnails',
      otlpEndpoint,
      environment: 'production',
    }),
  ],
})(AppModule);

const application = NestFactory.createApplicationContext(AppModule, { logger: false });

async function handler(event) {
  const app = await application;
  const telemetry = await app.resolve(TelemetryService);
  try {
    return await telemetry.trace('resize', { key: event.key }, () => {
      telemetry.logInfo('resized', { key: event.key });
      telemetry.counter('images_total').add(1);
      if (event.fails) throw new Error('no image');
      return `${event.key}.small`;
    });
  } finally {
    const began = performance.now();
    const complete = await telemetry.flush({ timeoutMs: Number(timeoutMs) });
    process.send({ flushed: { complete, ms: performance.now() - began } });
  }
}

process.on('message', async (event) => {
  const answer = await handler(event).catch((error) => `failed: ${error.message}`);
  process.send({ answer });
});
process.send('ready');

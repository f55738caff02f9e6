// Nest without a server, whose collector is the one at `argv[2]`, by the protocol `argv[3]`: it makes a span and a measurement,
// is closed, and has nothing else to do. Tells its parent when it is closed.
import 'reflect-metadata';

import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { getTelemetry, TelemetryModule } from 'nestjs-telemetry';

const [, , otlpEndpoint, otlpProtocol] = process.argv;

class AppModule {}
Module({
  imports: [
    TelemetryModule.forRoot({ otlpEndpoint, otlpProtocol, shutdownTimeoutMs: 300, dashboard: false }),
  ],
})(AppModule);

const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
getTelemetry('stopped').trace('work', () => getTelemetry('stopped').counter('work').add(1));
await app.close();
console.log('closed');

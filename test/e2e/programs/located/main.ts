// Two processes of one system that keep what they record in the file `STORE`: `PART=web` answers requests and tells its
// parent its port, `PART=worker` has a job and no port.
import 'reflect-metadata';

import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { ScheduleModule } from '@nestjs/schedule';
import { TelemetryModule, type TelemetryOptions } from 'nestjs-telemetry';

import { OrderController } from './orders.controller.js';
import { CleanupService, OrderService } from './orders.service.js';

const { PART: part, STORE: file } = process.env;

const telemetry: TelemetryOptions = {
  serviceName: `located-${part ?? ''}`,
  environment: 'development',
  dashboard: part === 'web',
  store: { file: file ?? '' },
  instrumentation: {
    nest: { pipeline: 'spans', pipelineThresholdMs: 0, providers: [OrderService] },
  },
};

@Module({
  imports: [TelemetryModule.forRoot(telemetry)],
  controllers: [OrderController],
  providers: [OrderService],
})
class WebModule {}

@Module({
  imports: [TelemetryModule.forRoot(telemetry), ScheduleModule.forRoot()],
  providers: [CleanupService],
})
class WorkerModule {}

async function startWeb(): Promise<number> {
  const app = await NestFactory.create<NestFastifyApplication>(WebModule, new FastifyAdapter(), {
    logger: false,
  });
  await app.listen(0, '127.0.0.1');
  return Number(new URL(await app.getUrl()).port);
}

async function startWorker(): Promise<number> {
  await NestFactory.createApplicationContext(WorkerModule, { logger: false });
  return 0;
}

void (part === 'web' ? startWeb() : startWorker()).then((port) => process.send?.(port));
// Whoever started it has ended: nobody else would stop it.
process.once('disconnect', () => process.exit());

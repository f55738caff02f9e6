// Two workers of a cluster behind one port. Each serves its metrics on a port of its own, which a replacement takes over.
// `argv`: the port of the application, the scrape ports of the workers. Tells its parent when a worker listens.
import 'reflect-metadata';

import cluster from 'node:cluster';

import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { TelemetryModule } from 'nestjs-telemetry';

const [, , port, ...scrapePorts] = process.argv;

if (cluster.isPrimary) {
  const slots = new Map();
  const start = (slot) => slots.set(cluster.fork({ WORKER_SLOT: String(slot) }).id, slot);
  cluster.on('listening', (worker, { port: listening }) => {
    if (listening === Number(port)) process.send({ slot: slots.get(worker.id), pid: worker.process.pid });
  });
  cluster.on('exit', ({ id }) => start(slots.get(id)));
  for (const slot of scrapePorts.keys()) start(slot);
} else {
  const slot = Number(process.env.WORKER_SLOT);

  class WorkController {
    work() {
      return { slot };
    }
  }
  Get('work')(
    WorkController.prototype,
    'work',
    Object.getOwnPropertyDescriptor(WorkController.prototype, 'work'),
  );
  Controller()(WorkController);

  class AppModule {}
  Module({
    imports: [
      TelemetryModule.forRoot({
        serviceName: 'pair',
        environment: 'production',
        logging: { requestLog: false },
        resourceAttributes: { 'service.instance.id': `worker-${slot}` },
        prometheus: { port: Number(scrapePorts[slot]), host: '127.0.0.1' },
      }),
    ],
    controllers: [WorkController],
  })(AppModule);

  const app = await NestFactory.create(AppModule, new FastifyAdapter(), { logger: false });
  await app.listen(Number(port), '127.0.0.1');
}

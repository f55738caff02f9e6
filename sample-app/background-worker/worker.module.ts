import { Module } from '@nestjs/common';

import { DatabaseModule } from '../service-host/database.module.js';
import { ObservabilityModule } from '../service-host/observability.module.js';
import { JobProcessor } from './job.processor.js';
import { JobQueue } from './job.queue.js';
import { JobRepository } from './job.repository.js';
import { JobsController } from './jobs.controller.js';

@Module({
  imports: [ObservabilityModule.forService('background_worker'), DatabaseModule],
  controllers: [JobsController],
  providers: [JobQueue, JobProcessor, JobRepository],
})
export class WorkerModule {}

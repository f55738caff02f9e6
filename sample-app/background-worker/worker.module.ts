import { Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';

import { DatabaseModule } from '../service-host/database.module.js';
import { ObservabilityModule } from '../service-host/observability.module.js';
import { JobProcessor } from './job.processor.js';
import { JobQueue } from './job.queue.js';
import { JobRepository } from './job.repository.js';
import { JobsController } from './jobs.controller.js';
import { ResultCleanup } from './result-cleanup.js';

@Module({
  imports: [ObservabilityModule.forService('background_worker'), DatabaseModule, ScheduleModule.forRoot()],
  controllers: [JobsController],
  providers: [JobQueue, JobProcessor, JobRepository, ResultCleanup],
})
export class WorkerModule {}

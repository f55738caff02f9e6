import { Injectable } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import { TelemetryService } from 'nestjs-telemetry';

import { JobRepository } from './job.repository.js';

/** Deletes old results: a scheduled run, which has a trace of its own. */
@Injectable()
export class ResultCleanup {
  constructor(
    private readonly jobs: JobRepository,
    private readonly telemetry: TelemetryService,
  ) {}

  @Cron('*/10 * * * * *', { name: 'delete_old_results' })
  async deleteOldResults(): Promise<void> {
    const deleted = await this.jobs.deleteOldResults();
    if (deleted > 0) this.telemetry.logInfo(`${deleted} old results deleted`);
  }
}

import { setTimeout as pause } from 'node:timers/promises';

import { Injectable } from '@nestjs/common';
import { BaseService } from 'nestjs-telemetry';

import { type Job, type JobResult } from '../contracts/job.interface.js';
import { type User } from '../contracts/user.interface.js';
import { readText } from '../settings/environment.js';
import { JobRepository } from './job.repository.js';

const TRANSFORM_MS = 10;
/** What version 0.2.0 gets wrong: an error that begins with its deployment. */
const FAILS_ON_QUESTIONS = readText('SERVICE_VERSION') === '0.2.0';

class UnsupportedTextError extends Error {
  override readonly name = 'UnsupportedTextError';
}

/** Does the job in three steps. `this.telemetry` comes with BaseService. */
@Injectable()
export class JobProcessor extends BaseService {
  constructor(private readonly jobs: JobRepository) {
    super();
  }

  /** @throws whatever made the job fail, after it was counted and logged */
  processJob(job: Job): Promise<void> {
    const { jobId } = job;
    return this.telemetry.trace('process_job', { job_id: jobId }, async () => {
      this.telemetry.logInfo(`Processing job ${jobId}`);
      try {
        const user = await this.telemetry.trace('fetch_data', () => this.jobs.fetchUser(job.userId));
        const result = await this.telemetry.trace('transform_data', () => this.transform(job, user));
        await this.telemetry.trace('save_result', () => this.jobs.saveResult(result));
        this.telemetry.counter('jobs_completed').add(1);
        this.telemetry.logInfo(`Job ${jobId} completed`);
      } catch (error) {
        this.telemetry.counter('jobs_failed').add(1);
        this.telemetry.logError(`Job ${jobId} failed`, error);
        throw error;
      }
    });
  }

  private async transform({ jobId, userId, text, simulate }: Job, user: User): Promise<JobResult> {
    await pause(TRANSFORM_MS);
    if (simulate === 'fail') throw new Error('the text cannot be transformed');
    if (FAILS_ON_QUESTIONS && text.endsWith('?')) throw new UnsupportedTextError('a question has no summary');
    return { jobId, userId, summary: `${user.name} heard: ${text}`, words: text.trim().split(/\s+/).length };
  }
}

import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import {
  extractTraceContext,
  injectTraceContext,
  TelemetryService,
  withTraceContext,
} from 'nestjs-telemetry';

import { type Job } from '../contracts/job.interface.js';
import { JobProcessor } from './job.processor.js';

interface WaitingJob {
  readonly job: Job;
  /** The trace the job belongs to, as a queue outside this process would carry it: in headers. */
  readonly headers: Record<string, string>;
}

const CONCURRENCY = 4;

/** Jobs in memory, a few at a time, each continuing the trace of the request that asked for it. */
@Injectable()
export class JobQueue implements BeforeApplicationShutdown {
  private readonly waiting: WaitingJob[] = [];
  private readonly running = new Set<Promise<void>>();

  constructor(
    private readonly processor: JobProcessor,
    telemetry: TelemetryService,
  ) {
    telemetry.observableGauge('jobs_waiting', (result) => {
      result.observe(this.waiting.length);
    });
  }

  add(job: Job): void {
    this.waiting.push({ job, headers: injectTraceContext({}) });
    this.startNext();
  }

  /** Lets the jobs that were accepted finish, while database and telemetry are still there. */
  async beforeApplicationShutdown(): Promise<void> {
    while (this.running.size > 0) await Promise.race(this.running);
  }

  private startNext(): void {
    if (this.running.size >= CONCURRENCY) return;
    const next = this.waiting.shift();
    if (next === undefined) return;
    const done = this.run(next).finally(() => {
      this.running.delete(done);
      this.startNext();
    });
    this.running.add(done);
  }

  private async run({ job, headers }: WaitingJob): Promise<void> {
    try {
      // Whoever finished the job before this one also started this one: its context is not this job's.
      await withTraceContext(extractTraceContext(headers), () => this.processor.processJob(job));
    } catch {
      // The processor logged and counted the failure; a queue without retries has nothing to add.
    }
  }
}

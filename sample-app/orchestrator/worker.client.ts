import { BadGatewayException, Injectable, type OnModuleInit } from '@nestjs/common';

import { type Job } from '../contracts/job.interface.js';
import { connectOnce, waitForDependency } from '../service-host/wait-for-dependency.js';
import { urls } from '../settings/addresses.js';

const TIMEOUT_MS = 2_000;

/** Hands jobs to the background worker. */
@Injectable()
export class WorkerClient implements OnModuleInit {
  async onModuleInit(): Promise<void> {
    await waitForDependency('the background worker', () => connectOnce(urls.worker()));
  }

  /** Returns as soon as the worker accepted the job. @throws BadGatewayException when it does not */
  async submit(job: Job): Promise<void> {
    let response: Response;
    try {
      response = await fetch(`${urls.worker()}/jobs`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(job),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      await response.body?.cancel();
    } catch (cause) {
      throw new BadGatewayException('the background worker cannot be reached', { cause });
    }
    if (response.status !== 202)
      throw new BadGatewayException(`the background worker answered ${response.status}`);
  }
}

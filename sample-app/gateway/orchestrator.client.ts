import { BadGatewayException, HttpException, Injectable, type OnModuleInit } from '@nestjs/common';

import { type ProcessRequest, type ProcessResult } from '../contracts/process.interface.js';
import { connectOnce, waitForDependency } from '../service-host/wait-for-dependency.js';
import { urls } from '../settings/addresses.js';

/** Longest wait for the orchestrator; its own upstreams give up earlier. */
const TIMEOUT_MS = 10_000;

/** Calls the orchestrator. Nothing here speaks of tracing: fetch carries the trace by itself. */
@Injectable()
export class OrchestratorClient implements OnModuleInit {
  async onModuleInit(): Promise<void> {
    await waitForDependency('the orchestrator', () => connectOnce(urls.orchestrator()));
  }

  /** @throws HttpException with the orchestrator's own answer below 500; BadGatewayException for everything else */
  async process(request: ProcessRequest): Promise<ProcessResult> {
    const response = await this.post(request);
    if (response.ok) return (await response.json()) as ProcessResult;
    if (response.status < 500) {
      throw new HttpException((await response.json()) as Record<string, unknown>, response.status);
    }
    await response.body?.cancel();
    throw new BadGatewayException(`the orchestrator answered ${response.status}`);
  }

  private async post(request: ProcessRequest): Promise<Response> {
    try {
      return await fetch(`${urls.orchestrator()}/process`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(request),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
    } catch (cause) {
      throw new BadGatewayException('the orchestrator cannot be reached', { cause });
    }
  }
}

import { BadGatewayException, Injectable } from '@nestjs/common';
import { SpanAttribute, TelemetryService, Timed, Trace } from 'nestjs-telemetry';

import { type Simulation } from '../contracts/process.interface.js';
import { urls } from '../settings/addresses.js';

/** Longest wait for one answer of the model; its slow answers take about half of it. */
const TIMEOUT_MS = 4_000;
const ATTEMPTS = 2;

/** Asks the language model, an upstream that is sometimes slow and sometimes fails, and asks once more when it does. */
@Injectable()
export class LlmService {
  constructor(private readonly telemetry: TelemetryService) {}

  /** @throws BadGatewayException when the model failed twice */
  @Trace({ name: 'llm.generate' })
  @Timed('llm_generate_duration_seconds')
  async generate(
    prompt: string,
    @SpanAttribute('llm.simulate') simulate?: Simulation['llm'],
  ): Promise<string> {
    let failure = '';
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      try {
        return await this.ask(prompt, simulate);
      } catch (error) {
        failure = error instanceof Error ? error.message : String(error);
        this.telemetry.counter('llm_failures_total').add(1);
        this.telemetry.logWarning('LLM call failed', { attempt, reason: failure });
      }
    }
    throw new BadGatewayException(`the LLM failed ${ATTEMPTS} times: ${failure}`);
  }

  private async ask(prompt: string, simulate: Simulation['llm']): Promise<string> {
    const response = await fetch(`${urls.llm()}/generate`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ prompt, simulate }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (!response.ok) {
      await response.body?.cancel();
      throw new Error(`answered ${response.status}`);
    }
    const { completion } = (await response.json()) as { completion: string };
    return completion;
  }
}

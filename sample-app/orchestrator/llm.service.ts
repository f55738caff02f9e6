import { BadGatewayException, Injectable } from '@nestjs/common';
import { instrument, SpanAttribute, TelemetryService, Timed, Trace } from 'nestjs-telemetry';
import OpenAI from 'openai';

import { type Simulation } from '../contracts/process.interface.js';
import { urls } from '../settings/addresses.js';

/** Longest wait for one answer of the model; its slow answers take about half of it. */
const TIMEOUT_MS = 4_000;
const ATTEMPTS = 2;

// An application that has openai among its dependencies needs no such call.
instrument('openai', OpenAI);

/** Asks the language model, an upstream that is sometimes slow and sometimes fails, and asks once more when it does. */
@Injectable()
export class LlmService {
  private readonly client = new OpenAI({
    baseURL: `${urls.llm()}/v1`,
    apiKey: 'none is needed',
    timeout: TIMEOUT_MS,
    // Each attempt is logged and counted here.
    maxRetries: 0,
  });

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
    const { choices } = await this.client.chat.completions.create({
      model: 'stand-in',
      messages: [{ role: 'user', content: prompt }],
      ...(simulate !== undefined && { metadata: { simulate } }),
    });
    return choices[0]?.message.content ?? '';
  }
}

import { randomUUID } from 'node:crypto';

import { Injectable } from '@nestjs/common';
import { TelemetryService, Trace } from 'nestjs-telemetry';

import { type ProcessRequest, type ProcessResult } from '../contracts/process.interface.js';
import { LlmService } from './llm.service.js';
import { TtsService } from './tts.service.js';
import { UserRepository } from './user.repository.js';
import { WorkerClient } from './worker.client.js';

/** Turns a text into an answer with a voice, and leaves the slow rest to the background worker. */
@Injectable()
export class OrchestratorService {
  constructor(
    private readonly telemetry: TelemetryService,
    private readonly users: UserRepository,
    private readonly llm: LlmService,
    private readonly tts: TtsService,
    private readonly worker: WorkerClient,
  ) {}

  @Trace({ name: 'orchestrator.process' })
  async process({ text, userId = 'ada', simulate }: ProcessRequest): Promise<ProcessResult> {
    this.telemetry.logInfo('Processing request', { user_id: userId });
    const user = await this.users.find(userId);
    const answer = await this.llm.generate(text, simulate?.llm);
    const audio = await this.tts.synthesize(answer, user.voice);
    const jobId = randomUUID();
    await this.worker.submit({
      jobId,
      userId,
      text: answer,
      ...(simulate?.job && { simulate: simulate.job }),
    });
    return { text: answer, user: { id: user.id, name: user.name }, audio, jobId };
  }
}

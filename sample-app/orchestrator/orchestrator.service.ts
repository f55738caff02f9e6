import { randomUUID } from 'node:crypto';

import { Injectable } from '@nestjs/common';
import { TelemetryService, Trace } from 'nestjs-telemetry';

import { type ProcessRequest, type ProcessResult } from '../contracts/process.interface.js';
import { type User } from '../contracts/user.interface.js';
import { Database } from '../service-host/database.client.js';
import { hasFault } from '../service-host/fault.js';
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
    private readonly database: Database,
  ) {}

  @Trace({ name: 'orchestrator.process' })
  async process(request: ProcessRequest): Promise<ProcessResult> {
    const { userId = 'ada' } = request;
    this.telemetry.logInfo('Processing request', { user_id: userId });
    const user = await this.users.find(userId);
    const respond = () => this.respond(request, user);
    return hasFault('db-pool') ? this.database.whileConnected(respond) : respond();
  }

  private async respond({ text, simulate }: ProcessRequest, user: User): Promise<ProcessResult> {
    const answer = await this.llm.generate(text, simulate?.llm);
    const audio = await this.tts.synthesize(answer, user.voice);
    const jobId = randomUUID();
    await this.worker.submit({
      jobId,
      userId: user.id,
      text: answer,
      ...(simulate?.job && { simulate: simulate.job }),
    });
    return { text: answer, user: { id: user.id, name: user.name }, audio, jobId };
  }
}

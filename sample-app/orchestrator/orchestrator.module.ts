import { Module } from '@nestjs/common';

import { DatabaseModule } from '../service-host/database.module.js';
import { ObservabilityModule } from '../service-host/observability.module.js';
import { AudioCache } from './audio-cache.client.js';
import { LlmService } from './llm.service.js';
import { OrchestratorController } from './orchestrator.controller.js';
import { OrchestratorService } from './orchestrator.service.js';
import { TtsService } from './tts.service.js';
import { UserRepository } from './user.repository.js';
import { WorkerClient } from './worker.client.js';

@Module({
  imports: [ObservabilityModule.forService('orchestrator'), DatabaseModule],
  controllers: [OrchestratorController],
  providers: [OrchestratorService, LlmService, TtsService, AudioCache, UserRepository, WorkerClient],
})
export class OrchestratorModule {}

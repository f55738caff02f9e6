import { Module } from '@nestjs/common';

import { TraceController } from '../debug/trace.controller.js';
import { TraceCollector } from '../debug/trace-collector.service.js';
import { ObservabilityModule } from '../service-host/observability.module.js';
import { GatewayController } from './gateway.controller.js';
import { GatewayService } from './gateway.service.js';
import { OrchestratorClient } from './orchestrator.client.js';

@Module({
  imports: [ObservabilityModule.forService('api_gateway')],
  controllers: [GatewayController, TraceController],
  providers: [GatewayService, OrchestratorClient, TraceCollector],
})
export class GatewayModule {}

import { BadRequestException, Body, Controller, HttpCode, Post } from '@nestjs/common';

import { isProcessRequest } from '../contracts/is-process-request.js';
import { type ProcessResult } from '../contracts/process.interface.js';
import { OrchestratorService } from './orchestrator.service.js';

/** `POST /process`, for the gateway. */
@Controller('process')
export class OrchestratorController {
  constructor(private readonly orchestrator: OrchestratorService) {}

  @Post()
  @HttpCode(200)
  process(@Body() request: unknown): Promise<ProcessResult> {
    if (!isProcessRequest(request)) throw new BadRequestException('text required');
    return this.orchestrator.process(request);
  }
}

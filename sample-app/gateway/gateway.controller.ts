import { Body, Controller, HttpCode, Post, Res } from '@nestjs/common';
import { type FastifyReply } from 'fastify';
import { injectTraceContext } from 'nestjs-telemetry';

import { type ProcessResponse } from '../contracts/process.interface.js';
import { GatewayService } from './gateway.service.js';

/** The way into the system: `POST /process`. */
@Controller('process')
export class GatewayController {
  constructor(private readonly gateway: GatewayService) {}

  @Post()
  @HttpCode(200)
  async process(
    @Body() body: unknown,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ProcessResponse> {
    // Set before the work, so that an error answer says too which trace tells its story.
    reply.headers(injectTraceContext({}));
    return this.gateway.process(body);
  }
}

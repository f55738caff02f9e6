import { BadRequestException, Controller, Get, Headers, NotFoundException, Param, Res } from '@nestjs/common';
import { type FastifyReply } from 'fastify';

import { renderWaterfall } from './render-waterfall.js';
import { TraceCollector } from './trace-collector.service.js';

/** `GET /debug/traces/:traceId` shows a whole trace: a waterfall as text, or the spans when JSON is asked for. */
@Controller('debug')
export class TraceController {
  constructor(private readonly collector: TraceCollector) {}

  @Get('traces/:traceId')
  async trace(
    @Param('traceId') id: string,
    @Headers('accept') accept: string | undefined,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const traceId = id.toLowerCase();
    if (!/^[0-9a-f]{32}$/.test(traceId))
      throw new BadRequestException('a trace id has 32 hexadecimal digits');
    const trace = await this.collector.collect(traceId);
    if (trace.spans.length === 0)
      throw new NotFoundException(`no finished span of trace ${traceId} is remembered`);
    if (accept?.includes('application/json')) {
      await reply.type('application/json; charset=utf-8').send(trace);
    } else {
      await reply.type('text/plain; charset=utf-8').send(renderWaterfall(trace));
    }
  }
}

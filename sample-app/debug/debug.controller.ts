import { Controller, Get, Param } from '@nestjs/common';

import { RecentSpans } from './recent-spans.processor.js';
import { type RecordedSpan } from './recorded-span.interface.js';

/** `GET /debug/spans/:traceId` answers the spans of a trace that ended in this process. */
@Controller('debug')
export class DebugController {
  constructor(private readonly recentSpans: RecentSpans) {}

  @Get('spans/:traceId')
  spans(@Param('traceId') traceId: string): RecordedSpan[] {
    return this.recentSpans.ofTrace(traceId.toLowerCase());
  }
}

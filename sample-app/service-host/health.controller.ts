import { Controller, Get } from '@nestjs/common';

/** `GET /health` says that the process answers; it is not traced. */
@Controller('health')
export class HealthController {
  @Get()
  check(): { status: 'ok' } {
    return { status: 'ok' };
  }
}

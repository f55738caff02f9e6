import { Controller, Get, Injectable, Param } from '@nestjs/common';
import { TelemetryService, Trace } from 'nestjs-telemetry';

import { type Platform } from './platform.js';
import { newCaller, RunningApp } from './running-app.js';

@Injectable()
class SweepService {
  constructor(private readonly telemetry: TelemetryService) {}

  @Trace()
  async sweep(self: string): Promise<string> {
    this.telemetry.logInfo('sweeping', { self });
    const response = await fetch(`${self}/jobs-seen`);
    return response.text();
  }
}

@Controller()
class JobsController {
  constructor(private readonly sweeps: SweepService) {}

  @Get('jobs/:name')
  run(@Param('name') name: string): Promise<string> {
    return this.sweeps.sweep(Buffer.from(name, 'base64url').toString());
  }

  @Get('jobs-seen')
  seen(): string {
    return 'seen';
  }

  @Get('probes/live')
  live(): string {
    return 'live';
  }

  @Get('probes/ready')
  ready(): string {
    return 'ready';
  }
}

export function describeHttpIgnore(platform: Platform): void {
  describe('an ignored request', () => {
    let app: RunningApp;
    beforeAll(async () => {
      app = await RunningApp.start(platform, {
        controllers: [JobsController],
        providers: [SweepService],
        telemetry: {
          instrumentation: { httpServer: { ignore: ['/jobs/:name', '/probes/live', /^\/probes\/re/] } },
          logging: { requestLog: true },
        },
      });
    });
    afterAll(() => app.stop());

    const settled = async (): Promise<void> => {
      const seen = newCaller();
      await app.fetch('/jobs-seen', { caller: seen });
      await app.spans.server(seen.traceId);
    };

    it('by the template of its route leaves no span of it nor of anything below', async () => {
      const caller = newCaller();
      const before = app.spans.started.length;
      const self = Buffer.from(app.origin).toString('base64url');
      const response = await app.fetch(`/jobs/${self}`, { caller });
      await settled();
      expect(response.status).toBe(200);
      expect(app.spans.inTrace(caller.traceId)).toEqual([]);
      const names = new Set(app.spans.started.slice(before).map(({ name }) => name));
      // What the ignored one has called is a request of its own, and so is the one that is waited for.
      expect([...names].sort()).toEqual(['GET /jobs-seen', 'JobsController.seen']);
    });

    it('leaves no measurement and no request line, but the lines of the application', async () => {
      const self = Buffer.from(app.origin).toString('base64url');
      await app.fetch(`/jobs/${self}`);
      await settled();
      const page = await app.scrape();
      expect(page).toMatch(/^http_server_request_duration_seconds_count\{[^}]*http_route="\/jobs-seen"/m);
      expect(page).not.toContain('/jobs/');
      expect(page).not.toContain('http_client_request_duration_seconds_count');
      const line = await app.log.withMessage('sweeping');
      expect(line).not.toHaveProperty('trace_id');
      expect(app.log.lines.filter(({ msg }) => msg?.startsWith('GET /jobs/'))).toEqual([]);
    });

    it.each(['/probes/live', '/probes/ready'])('by its path, like %s, leaves no span', async (path) => {
      const caller = newCaller();
      const response = await app.fetch(path, { caller });
      await settled();
      expect(response.status).toBe(200);
      expect(app.spans.inTrace(caller.traceId)).toEqual([]);
    });
  });
}

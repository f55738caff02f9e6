import {
  Body,
  type CanActivate,
  Controller,
  type ExecutionContext,
  Get,
  Global,
  HttpCode,
  Injectable,
  Module,
  Post,
  UnauthorizedException,
  VersioningType,
} from '@nestjs/common';
import { TelemetryService } from 'nestjs-telemetry';

import { eventually } from '../../support/eventually.js';
import { type Platform } from './platform.js';
import { newCaller, RunningApp } from './running-app.js';

@Controller()
class ProcessController {
  constructor(private readonly telemetry: TelemetryService) {}

  @Post('process')
  @HttpCode(200)
  process(@Body() { ms }: { ms: number }): string {
    this.telemetry.counter('requests_total').add(1, { method: 'POST', status: '200' });
    this.telemetry.histogram('request_duration_ms').record(ms);
    return 'done';
  }

  @Get('items/:id')
  item(): string {
    return 'item';
  }

  @Get('health')
  health(): string {
    return this.telemetry.trace('check_health', () => 'ok');
  }

  @Get('internal/:job')
  internal(): string {
    return this.telemetry.trace('internal_job', () => 'ran');
  }
}

@Injectable()
class ScrapeKey {
  readonly key = 'open sesame';
}

@Global()
@Module({ providers: [ScrapeKey], exports: [ScrapeKey] })
class ScrapeKeyModule {}

@Injectable()
class ScrapeGuard implements CanActivate {
  constructor(private readonly expected: ScrapeKey) {}

  canActivate(execution: ExecutionContext): boolean {
    const { headers } = execution
      .switchToHttp()
      .getRequest<{ headers: Record<string, string | undefined> }>();
    if (headers['x-key'] === undefined) throw new UnauthorizedException();
    return headers['x-key'] === this.expected.key;
  }
}

export function describeMetrics(platform: Platform): void {
  describe('the metrics page', () => {
    let app: RunningApp;
    beforeAll(async () => {
      app = await RunningApp.start(platform, {
        controllers: [ProcessController],
        telemetry: { instrumentation: { httpServer: { ignore: ['/health', '/internal/*', '/metrics'] } } },
      });
    });
    afterAll(() => app.stop());

    it('is text for Prometheus, on the port of the application', async () => {
      const response = await app.fetch('/metrics');
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toMatch(/^text\/plain/);
      expect(await response.text()).toMatch(/^# TYPE target_info gauge$/m);
    });

    it('shows a counter and a histogram under the names and labels they were given', async () => {
      for (const ms of [80, 150]) {
        await app.fetch('/process', {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ ms }),
        });
      }
      const lines = (await app.scrape()).split('\n');
      expect(lines).toContain('requests_total{method="POST",status="200"} 2');
      expect(lines).toContain('request_duration_ms_bucket{le="100"} 1');
      expect(lines).toContain('request_duration_ms_bucket{le="250"} 2');
      expect(lines).toContain('request_duration_ms_bucket{le="+Inf"} 2');
      expect(lines).toContain('request_duration_ms_count 2');
      expect(lines).toContain('request_duration_ms_sum 230');
    });

    it('shows the duration of requests by route in seconds, never by raw URL', async () => {
      await app.fetch('/items/raw-id');
      await app.fetch('/nowhere/raw-path');
      const matched =
        /^http_server_request_duration_seconds_count\{[^}]*http_route="\/items\/:id"[^}]*\} 1$/m;
      const unmatched =
        /^http_server_request_duration_seconds_count\{(?![^}]*http_route)[^}]*status_code="404"[^}]*\} 1$/m;
      expect(await scrapeUntil(app, matched)).toMatch(matched);
      const page = await scrapeUntil(app, unmatched);
      expect(page).toMatch(unmatched);
      expect(page).not.toContain('raw-id');
      expect(page).not.toContain('raw-path');
    });

    it.each(['/health', '/internal/sweep', '/metrics'])(
      'shows nothing of the ignored %s, and no span is made',
      async (path) => {
        const [ignored, seen] = [newCaller(), newCaller()];
        const response = await app.fetch(path, { caller: ignored });
        await app.fetch('/items/1', { caller: seen });
        await app.spans.server(seen.traceId);
        const page = await app.scrape();
        expect(response.status).toBe(200);
        expect(app.spans.inTrace(ignored.traceId)).toEqual([]);
        expect(page).not.toContain(`http_route="${path}"`);
        expect(page).not.toContain('/internal/');
      },
    );
  });

  describe('a metrics page of thousands of series', () => {
    const SERIES = 1_500;
    let app: RunningApp;
    beforeAll(async () => {
      app = await RunningApp.start(platform, {});
      const latency = (await app.app.resolve(TelemetryService)).histogram('page_latency');
      for (let index = 0; index < SERIES; index += 1) latency.record(0.2, { order: String(index) });
    });
    afterAll(() => app.stop());

    it('is sent whole, also after a scraper that left in the middle', async () => {
      const leaving = new AbortController();
      const { body } = await app.fetch('/metrics', { signal: leaving.signal });
      await body!.getReader().read();
      leaving.abort();
      const page = await app.scrape();
      expect(page.match(/^page_latency_count\{/gm)).toHaveLength(SERIES);
      expect(page.endsWith('\n')).toBe(true);
      expect(app.log.lines.filter(({ level }) => Number(level) >= 40)).toEqual([]);
    });

    it('has a head without the page for HEAD', async () => {
      const response = await app.fetch('/metrics', { method: 'HEAD' });
      expect([response.status, response.headers.get('content-type')]).toEqual([
        200,
        expect.stringMatching(/^text\/plain/),
      ]);
      expect(await response.text()).toBe('');
    });
  });

  describe('the address of the metrics page', () => {
    let app: RunningApp | undefined;
    afterEach(async () => {
      await app?.stop();
      app = undefined;
    });

    it('is not moved by a global prefix or a version, which the routes of spans do carry', async () => {
      app = await RunningApp.start(platform, {
        controllers: [ProcessController],
        configure: (nest) => {
          nest.setGlobalPrefix('api');
          nest.enableVersioning({ type: VersioningType.URI, defaultVersion: '1' });
        },
      });
      const caller = newCaller();
      const item = await app.fetch('/api/v1/items/3', { caller });
      const [page, moved] = [await app.fetch('/metrics'), await app.fetch('/api/v1/metrics')];
      expect([item.status, page.status, moved.status]).toEqual([200, 200, 404]);
      expect((await app.spans.server(caller.traceId)).name).toBe('GET /api/v1/items/:id');
    });

    it('is the one that was configured', async () => {
      app = await RunningApp.start(platform, { telemetry: { prometheus: { path: '/internal/prometheus' } } });
      const [page, usual] = [await app.fetch('/internal/prometheus'), await app.fetch('/metrics')];
      expect([page.status, usual.status]).toEqual([200, 404]);
    });

    it('answers only whom the guards let through, and they are resolved in the container', async () => {
      app = await RunningApp.start(platform, {
        imports: [ScrapeKeyModule],
        telemetry: { prometheus: { guards: [ScrapeGuard] } },
      });
      const nobody = await app.fetch('/metrics');
      const stranger = await app.fetch('/metrics', { headers: { 'x-key': 'guess' } });
      const scraper = await app.fetch('/metrics', { headers: { 'x-key': 'open sesame' } });
      expect([nobody.status, stranger.status, scraper.status]).toEqual([401, 403, 200]);
      expect(await stranger.text()).not.toContain('target_info');
    });

    it('does not exist when Prometheus is switched off', async () => {
      app = await RunningApp.start(platform, { telemetry: { enablePrometheus: false } });
      expect((await app.fetch('/metrics')).status).toBe(404);
    });
  });
}

/** The metrics page, once it has a line that matches. */
async function scrapeUntil(app: RunningApp, line: RegExp): Promise<string> {
  return eventually(`a line ${String(line)} in the metrics`, async () => {
    const page = await app.scrape();
    return line.test(page) && page;
  });
}

import { type DynamicModule, Module } from '@nestjs/common';
import { TelemetryModule } from 'nestjs-telemetry';

import { DebugController } from '../debug/debug.controller.js';
import { RecentSpans } from '../debug/recent-spans.processor.js';
import { readText } from '../settings/environment.js';
import { HealthController } from './health.controller.js';

/** What every service of the sample system imports: telemetry under its name, `GET /health` and the debug endpoint. */
@Module({})
export class ObservabilityModule {
  static forService(serviceName: string): DynamicModule {
    const recentSpans = new RecentSpans();
    const jaegerEndpoint = readText('JAEGER_ENDPOINT');
    const serviceVersion = readText('SERVICE_VERSION');
    return {
      module: ObservabilityModule,
      imports: [
        TelemetryModule.forRoot({
          serviceName,
          ...(serviceVersion === undefined ? {} : { serviceVersion }),
          ...(jaegerEndpoint === undefined ? {} : { jaegerEndpoint }),
          spanProcessors: [recentSpans],
          instrumentation: { httpServer: { ignore: ['/metrics', '/health', '/debug/*'] } },
        }),
      ],
      controllers: [HealthController, DebugController],
      providers: [{ provide: RecentSpans, useValue: recentSpans }],
      exports: [RecentSpans],
    };
  }
}

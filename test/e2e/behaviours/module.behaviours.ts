import { Controller, Get, Injectable, Module, Optional } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { trace } from '@opentelemetry/api';
import {
  BaseService,
  InjectTelemetry,
  TelemetryModule,
  type TelemetryOptions,
  TelemetryService,
  Trace,
} from 'nestjs-telemetry';
import { createTelemetryProbe } from 'nestjs-telemetry/testing';

import { SpanCollector } from './collectors.js';
import { type Platform } from './platform.js';
import { newCaller, RunningApp } from './running-app.js';

@Injectable()
class OrderService {
  constructor(private readonly telemetry: TelemetryService) {}

  work(): string {
    return this.telemetry.trace('order.work', () => {
      this.telemetry.logInfo('order worked');
      return 'order';
    });
  }
}

@Injectable()
class NamedService {
  constructor(@InjectTelemetry('llm_worker') private readonly telemetry: TelemetryService) {}

  work(): string {
    return this.telemetry.trace('named.work', () => {
      this.telemetry.logInfo('named worked');
      return 'named';
    });
  }
}

@Injectable()
class InheritingService extends BaseService {
  work(): string {
    return this.telemetry.trace('inheriting.work', () => {
      this.telemetry.logInfo('inheriting worked');
      return 'inheriting';
    });
  }
}

@Injectable()
class TracedService {
  @Trace()
  work(): string {
    return 'traced';
  }
}

@Controller()
class WorkController {
  constructor(
    private readonly order: OrderService,
    @Optional() private readonly named?: NamedService,
    @Optional() private readonly inheriting?: InheritingService,
  ) {}

  @Get('work')
  work(): (string | undefined)[] {
    return [this.order.work(), this.named?.work(), this.inheriting?.work()];
  }
}

export function describeModule(platform: Platform): void {
  describe('TelemetryService', () => {
    let app: RunningApp;
    beforeAll(async () => {
      app = await RunningApp.start(platform, {
        controllers: [WorkController],
        providers: [OrderService, NamedService, InheritingService],
      });
    });
    afterAll(() => app.stop());

    it.each([
      ['the class that injects it', 'order', 'OrderService'],
      ['what @InjectTelemetry() says', 'named', 'llm_worker'],
      ['the subclass of BaseService', 'inheriting', 'InheritingService'],
    ])('is named after %s', async (_, prefix, name) => {
      const caller = newCaller();
      await app.fetch('/work', { caller });
      const span = await app.spans.named(caller.traceId, `${prefix}.work`);
      const line = await app.log.withMessage(`${prefix} worked`);
      expect(span.instrumentationScope.name).toBe(name);
      expect(line.context).toBe(name);
    });
  });

  describe('TelemetryModule.forRootAsync()', () => {
    const NAME = Symbol('NAME');

    @Module({ providers: [{ provide: NAME, useValue: 'from_a_factory' }], exports: [NAME] })
    class NameModule {}

    async function serviceNameOf(
      importTelemetry: (options: TelemetryOptions) => ReturnType<typeof TelemetryModule.forRoot>,
    ) {
      const app = await RunningApp.start(platform, {
        controllers: [WorkController],
        providers: [OrderService],
        importTelemetry,
      });
      try {
        const caller = newCaller();
        await app.fetch('/work', { caller });
        return (await app.spans.server(caller.traceId)).resource.attributes['service.name'];
      } finally {
        await app.stop();
      }
    }

    it('takes options from a factory with injected dependencies, also asynchronously', async () => {
      const name = await serviceNameOf((options) =>
        TelemetryModule.forRootAsync({
          imports: [NameModule],
          inject: [NAME],
          useFactory: async (serviceName: string) => ({ ...options, serviceName }),
        }),
      );
      expect(name).toBe('from_a_factory');
    });

    it('takes options from a class', async () => {
      const name = await serviceNameOf((options) => {
        @Injectable()
        class OptionsFactory {
          createTelemetryOptions(): TelemetryOptions {
            return { ...options, serviceName: 'from_a_class' };
          }
        }
        return TelemetryModule.forRootAsync({ useClass: OptionsFactory });
      });
      expect(name).toBe('from_a_class');
    });

    it('takes options from a provider that exists', async () => {
      const name = await serviceNameOf((options) => {
        @Injectable()
        class OptionsFactory {
          createTelemetryOptions(): TelemetryOptions {
            return { ...options, serviceName: 'from_an_existing' };
          }
        }
        @Module({ providers: [OptionsFactory], exports: [OptionsFactory] })
        class OptionsModule {}
        return TelemetryModule.forRootAsync({ imports: [OptionsModule], useExisting: OptionsFactory });
      });
      expect(name).toBe('from_an_existing');
    });
  });

  describe('enabled: false', () => {
    it('leaves an application that works, records nothing and still logs', async () => {
      const app = await RunningApp.start(platform, {
        controllers: [WorkController],
        providers: [OrderService, NamedService, InheritingService],
        telemetry: { enabled: false },
      });
      try {
        const caller = newCaller();
        const response = await app.fetch('/work', { caller });
        expect(await response.json()).toEqual(['order', 'named', 'inheriting']);
        await app.log.withMessage('order worked');
        expect(app.spans.started).toEqual([]);
      } finally {
        await app.stop();
      }
    });
  });

  describe('in the tests of an application', () => {
    it('lets a test replace TelemetryService', async () => {
      const lines: string[] = [];
      const fake = {
        trace: (_: string, work: () => unknown) => work(),
        logInfo: (message: string) => lines.push(message),
      };
      const testing = await Test.createTestingModule({
        imports: [TelemetryModule.forRoot({ enabled: false, logging: false })],
        providers: [OrderService],
      })
        .overrideProvider(TelemetryService)
        .useValue(fake)
        .compile();
      expect(testing.get(OrderService).work()).toBe('order');
      expect(lines).toEqual(['order worked']);
      await testing.close();
    });

    it('starts and stops with each testing module, recording with the one that is there', async () => {
      for (let round = 0; round < 3; round += 1) {
        const spans = new SpanCollector();
        const testing = await Test.createTestingModule({
          imports: [
            TelemetryModule.forRoot({
              serviceName: `round-${round}`,
              spanProcessors: [spans],
              logging: false,
            }),
          ],
          providers: [TracedService],
        }).compile();
        await testing.init();
        testing.get(TracedService).work();
        await testing.close();
        expect(spans.ended.map(({ name }) => name)).toEqual(['TracedService.work']);
        expect(spans.ended[0]?.resource.attributes['service.name']).toBe(`round-${round}`);
      }
    });

    it('shows a probe what the code under test did', async () => {
      const probe = createTelemetryProbe();
      const testing = await Test.createTestingModule({
        imports: [TelemetryModule.forRoot({ ...probe.options, serviceName: 'probed' })],
        providers: [OrderService],
      }).compile();
      testing.get(OrderService).work();
      expect(probe.span('order.work').instrumentationScope.name).toBe('OrderService');
      expect(probe.logLines().map(({ msg }) => msg)).toContain('order worked');
      await testing.close();
    });

    it('starts nothing before the container is filled', () => {
      TelemetryModule.forRoot({ serviceName: 'not_started' });
      const span = trace.getTracer('behaviours').startSpan('nothing');
      expect(span.isRecording()).toBe(false);
    });
  });
}

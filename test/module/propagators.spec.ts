import { Test } from '@nestjs/testing';
import { getTelemetry, injectTraceContext, TelemetryModule } from 'nestjs-telemetry';
import { createTelemetryProbe } from 'nestjs-telemetry/testing';

describe('propagators: [b3]', () => {
  it('is ready when the application is: what a hook of its start sends carries the header', async () => {
    const carrier: Record<string, string> = {};
    class Starting {
      onModuleInit(): void {
        getTelemetry('test').trace('start', () => injectTraceContext(carrier));
      }
    }
    const { options } = createTelemetryProbe();
    const testing = await Test.createTestingModule({
      imports: [TelemetryModule.forRoot({ ...options, propagators: ['b3'] })],
      providers: [Starting],
    }).compile();

    await testing.init();
    await testing.close();

    expect(carrier).toEqual({ b3: expect.stringMatching(/^[0-9a-f]{32}-[0-9a-f]{16}-1$/) as string });
  });
});

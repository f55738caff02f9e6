import { Controller, Get } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { type TelemetryOptions, TelemetryService } from 'nestjs-telemetry';

import { eventually } from '../../support/eventually.js';
import { type LogLine } from './collectors.js';
import { type Platform } from './platform.js';
import { type Caller, newCaller, RunningApp } from './running-app.js';

@Controller('baggage')
class BaggageController {
  constructor(
    private readonly telemetry: TelemetryService,
    private readonly pino: PinoLogger,
  ) {}

  @Get()
  read(): string {
    this.telemetry.trace('inside', () => undefined);
    this.telemetry.logInfo('plain line', { plan: 'of the line' });
    this.telemetry.logInfo('nested line', { order: { id: 1 } });
    this.pino.assign({ order: 7 });
    this.pino.info('bound line');
    return 'read';
  }
}

const BAGGAGE = 'tenant.id=acme,plan=gold,api_key=sk_1234567890,level=high,other=never';

export function describeBaggageFields(platform: Platform): void {
  const start = (propagation: TelemetryOptions['propagation']): Promise<RunningApp> =>
    RunningApp.start(platform, {
      controllers: [BaggageController],
      telemetry: { ...(propagation !== undefined && { propagation }) },
    });
  const linesOf = (app: RunningApp, { traceId }: Caller): Promise<readonly LogLine[]> =>
    eventually('the lines of the request', () => {
      const lines = app.log.lines.filter(({ trace_id }) => trace_id === traceId);
      return lines.some(({ context }) => context === 'HTTP') && lines;
    });

  describe('baggage under chosen keys', () => {
    let app: RunningApp;
    let lines: readonly LogLine[];
    const caller = newCaller();
    beforeAll(async () => {
      app = await start({ baggageFields: ['tenant.id', 'plan', 'api_key', 'level', 'absent'] });
      await app.fetch('/baggage', { caller, headers: { baggage: BAGGAGE } });
      await app.spans.server(caller.traceId);
      lines = await linesOf(app, caller);
    });
    afterAll(() => app.stop());

    it('is on every span of the request', () => {
      const spans = app.spans.inTrace(caller.traceId);
      expect(spans.length).toBeGreaterThan(2);
      for (const { attributes } of spans) {
        expect(attributes).toMatchObject({ 'tenant.id': 'acme', plan: 'gold' });
        expect(attributes).not.toHaveProperty(['other']);
        expect(attributes).not.toHaveProperty(['absent']);
      }
    });

    it.each(['nested line', 'bound line', 'GET /baggage 200'])('is on the %s', (start) => {
      const line = lines.find(({ msg }) => msg?.startsWith(start) === true);
      expect(line).toMatchObject({ 'tenant.id': 'acme', plan: 'gold' });
      expect(line).not.toHaveProperty(['other']);
    });

    it('gives way to fields of the line, and never replaces those of the logger', () => {
      const line = lines.find(({ msg }) => msg === 'plain line');
      expect(line).toMatchObject({
        'tenant.id': 'acme',
        plan: 'of the line',
        level: 30,
        extra_level: 'high',
      });
    });

    it('is redacted', () => {
      for (const { attributes } of app.spans.inTrace(caller.traceId))
        expect(attributes.api_key).toBe('[Redacted]');
      for (const line of lines) expect(line.api_key).toBe('[Redacted]');
    });
  });

  it.each<[string, TelemetryOptions['propagation']]>([
    ['without keys', undefined],
    ['of callers that are not trusted', { incoming: 'link', baggageFields: ['tenant.id'] }],
  ])('baggage %s is recorded nowhere', async (_name, propagation) => {
    const app = await start(propagation);
    try {
      await app.fetch('/baggage', { headers: { baggage: BAGGAGE } });
      const span = await app.spans.serverAfter(0);
      const lines = await linesOf(app, { ...newCaller(), traceId: span.spanContext().traceId });
      for (const fields of [span.attributes, ...lines]) expect(fields).not.toHaveProperty(['tenant.id']);
    } finally {
      await app.stop();
    }
  });
}

import { Controller, Get, Logger } from '@nestjs/common';
import { type ReadableSpan } from '@opentelemetry/sdk-trace';
import { PinoLogger } from 'nestjs-pino';
import { type TelemetryOptions, TelemetryService } from 'nestjs-telemetry';

import { eventually } from '../../support/eventually.js';
import { type Platform } from './platform.js';
import { newCaller, RunningApp } from './running-app.js';

const SECRET = 'SEChunter2RET';

/** An error as a client library makes it: what was sent and received is in its own properties. */
function failedCall(): Error {
  return Object.assign(new Error('the payment failed'), {
    code: 'ERR_BAD_REQUEST',
    config: { headers: { Authorization: `Bearer ${SECRET}` }, auth: { password: SECRET }, data: SECRET },
    request: { path: `/pay?token=${SECRET}` },
    response: { status: 401, data: { echoed: SECRET } },
    detail: `Key (email)=(${SECRET}) already exists.`,
    parameters: [SECRET],
    meta: { target: SECRET },
    cause: Object.assign(new Error('inner'), { config: SECRET }),
  });
}

@Controller('pay')
class PaymentController {
  private readonly nest = new Logger('Payment');

  constructor(
    private readonly pino: PinoLogger,
    private readonly telemetry: TelemetryService,
  ) {}

  @Get('logged')
  logged(): string {
    const error = failedCall();
    this.pino.logger.error({ err: error }, 'by pino');
    this.pino.error({ err: error, error, context: { error } }, 'by PinoLogger');
    this.pino.assign({ password: SECRET, user: { apiKey: SECRET, name: 'ada' } });
    this.pino.info('after assign');
    this.nest.error(error);
    this.nest.error('by Nest', error);
    this.nest.error(`refused: password=${SECRET}`, error.stack);
    this.telemetry.logError('by telemetry', error);
    this.telemetry.logInfo('fields', { error, authorization: `Bearer ${SECRET}` });
    this.telemetry.counter('payments').add(1, { token: SECRET });
    this.telemetry.trace('pay', { 'card.token': SECRET }, (span) => {
      span.recordException(error);
    });
    return 'logged';
  }

  @Get('thrown')
  thrown(): never {
    throw failedCall();
  }
}

type LogRecord = Parameters<NonNullable<TelemetryOptions['logRecordProcessors']>[number]['onEmit']>[0];

const visible = ({ name, attributes, events, links, status, resource }: ReadableSpan) => [
  name,
  attributes,
  events,
  links,
  status,
  resource.attributes,
];

export function describeRedaction(platform: Platform): void {
  // The engines end and read spans in code of their own.
  const engines = platform.engine === undefined ? (['fast', 'sdk'] as const) : [platform.engine];

  describe.each(engines)('a secret of a request, with engine "%s"', (engine) => {
    const records: LogRecord[] = [];
    let app: RunningApp;

    beforeAll(async () => {
      app = await RunningApp.start(platform, {
        controllers: [PaymentController],
        telemetry: {
          engine,
          dashboard: { enabled: true, token: false },
          store: { file: ':memory:' },
          logRecordProcessors: [
            {
              onEmit: (record) => records.push(record),
              forceFlush: () => Promise.resolve(),
              shutdown: () => Promise.resolve(),
            },
          ],
        },
      });
    });
    afterAll(() => app.stop());

    const api = async (path: string): Promise<string> =>
      (await app.fetch(`/telemetry/api/v1/${path}`)).text();

    /** The trace and its log lines, asked of the API until both are in the store. */
    async function untilStored(traceId: string): Promise<readonly [trace: string, logs: string]> {
      return eventually(`trace ${traceId} and its lines in the store`, async () => {
        const trace = await api(`traces/${traceId}`);
        const logs = await api(`logs?traceId=${traceId}`);
        return trace.includes(traceId) && logs.includes('"message"') && ([trace, logs] as const);
      });
    }

    /** Requests `path` and returns all that was recorded of it, by sink. */
    async function recorded(path: string): Promise<Record<string, string>> {
      const caller = newCaller();
      const { traceId } = caller;
      await (await app.fetch(path, { caller })).text();
      await app.spans.server(traceId);
      await eventually('the request line', () =>
        app.log.lines.some((line) => line.trace_id === traceId && 'duration_ms' in line),
      );
      const [trace, logs] = await untilStored(traceId);
      return {
        spans: JSON.stringify(app.spans.inTrace(traceId).map(visible)),
        lines: JSON.stringify(app.log.lines.filter((line) => line.trace_id === traceId)),
        records: JSON.stringify(
          records
            .filter(({ spanContext }) => spanContext?.traceId === traceId)
            .map(({ body, attributes, severityText }) => [body, attributes, severityText]),
        ),
        traces: await api('traces?limit=100'),
        trace,
        logs,
        overview: await api('overview'),
        metrics: await app.scrape(),
      };
    }

    it('is in no sink when it is in the query of a request that matches no route', async () => {
      const found = await recorded(`/reset-pasword?token=${SECRET}&email=${SECRET}@b.c`);
      for (const [sink, text] of Object.entries(found))
        expect([sink, text.includes(SECRET)]).toEqual([sink, false]);
      expect(found.spans).toContain('/reset-pasword');
      expect(found.lines).toContain('/reset-pasword');
      expect(found.records).toContain('/reset-pasword');
      expect(found.trace).toContain('/reset-pasword');
      expect(found.logs).toContain('/reset-pasword');
    });

    it('is in no sink when an error that is thrown holds it', async () => {
      const found = await recorded('/pay/thrown');
      for (const [sink, text] of Object.entries(found))
        expect([sink, text.includes(SECRET)]).toEqual([sink, false]);
      for (const sink of ['spans', 'lines', 'records', 'trace', 'logs'])
        expect([sink, found[sink]]).toEqual([sink, expect.stringContaining('the payment failed')]);
    });

    it('is in no sink when it is logged by an error, a field or a message, by any logger', async () => {
      const found = await recorded('/pay/logged');
      for (const [sink, text] of Object.entries(found))
        expect([sink, text.includes(SECRET)]).toEqual([sink, false]);
      const messages = [
        'by pino',
        'by PinoLogger',
        'after assign',
        'by Nest',
        'by telemetry',
        'fields',
        'refused: ',
      ];
      for (const message of messages)
        for (const sink of ['lines', 'records', 'logs'])
          expect([sink, found[sink]]).toEqual([sink, expect.stringContaining(message)]);
      expect(found.lines).toContain('"name":"ada"');
      expect(found.metrics).toMatch(/^payments_total\{.*token="\[Redacted\]"/m);
    });
  });
}

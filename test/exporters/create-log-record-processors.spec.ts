import { SeverityNumber } from '@opentelemetry/api';
import { InMemoryLogRecordExporter, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';

import { createLogRecordProcessors, createLoggerProvider } from '../../lib/exporters/create-pipelines.js';
import { exporterReports } from '../../lib/exporters/exporter-report.js';
import { OTLP_PROTOCOLS, receivedPayload, startReceiver, targetFor } from './otlp/otlp-cases.js';
import { closeReceivers } from './otlp/otlp-receiver.js';
import { telemetryConfig } from './support/config-fragment.js';
import { resource } from './support/trace-provider.js';

afterEach(closeReceivers);

describe.each(['fast', 'sdk'] as const)('createLoggerProvider() for the engine %s', (engine) => {
  it.each(OTLP_PROTOCOLS)('sends log records by OTLP over %s', async (protocol) => {
    const receiver = await startReceiver(protocol);
    const otlp = [targetFor(receiver, protocol, 'logs', { 'x-tenant': 'acme' })];
    const provider = createLoggerProvider(telemetryConfig({ engine, logs: { otlp } }), resource)!;
    provider.getLogger('OrderService').emit({
      body: 'Processing started',
      severityNumber: SeverityNumber.INFO,
      severityText: 'INFO',
      attributes: { id: 'o1' },
    });

    await provider.shutdown();

    const payload = receivedPayload(receiver, protocol, 'logs');
    expect(receiver.requests[0]!.headers['x-tenant']).toBe('acme');
    expect(payload).toMatchObject({
      resourceLogs: [
        {
          scopeLogs: [
            {
              scope: { name: 'OrderService' },
              logRecords: [
                {
                  severityNumber: 9,
                  severityText: 'INFO',
                  body: { stringValue: 'Processing started' },
                  attributes: [{ key: 'id', value: { stringValue: 'o1' } }],
                },
              ],
            },
          ],
        },
      ],
    });
    expect(exporterReports()).toMatchObject([{ signal: 'logs', exported: 1 }]);
  });

  it('tells the processors of the user as well', async () => {
    const receiver = await startReceiver('http/protobuf');
    const otlp = [targetFor(receiver, 'http/protobuf', 'logs')];
    const exporter = new InMemoryLogRecordExporter();
    const processors = [new SimpleLogRecordProcessor({ exporter })];
    const provider = createLoggerProvider(telemetryConfig({ engine, logs: { otlp, processors } }), resource)!;
    provider.getLogger('OrderService').emit({ body: 'hello' });

    await provider.forceFlush();

    expect(exporter.getFinishedLogRecords()).toMatchObject([{ body: 'hello' }]);
    expect(receiver.requests).toHaveLength(1);
    await provider.shutdown();
  });

  it('makes nothing when nothing is configured', () => {
    expect(createLoggerProvider(telemetryConfig({ engine }), resource)).toBeUndefined();
  });
});

describe('createLogRecordProcessors()', () => {
  it('adds the processors of the user', () => {
    const exporter = new InMemoryLogRecordExporter();
    const processors = [new SimpleLogRecordProcessor({ exporter })];

    expect(createLogRecordProcessors(telemetryConfig({ logs: { processors } }))).toEqual(processors);
  });
});

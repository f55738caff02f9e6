import { logs, ROOT_CONTEXT } from '@opentelemetry/api';
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';

import { type LogEntry } from '../../lib/logging/log-entry.js';
import { createLogRecordEmitter } from '../../lib/logging/record-entry.js';
import { type ObservedLogging, observeLogging, stopObserving } from './observe-logging.js';

const YESTERDAY = Date.now() - 86_400_000;

describe('createLogRecordEmitter()', () => {
  const exporter = new InMemoryLogRecordExporter();
  const emitted = (line: Partial<LogEntry> = {}) => {
    exporter.reset();
    createLogRecordEmitter()({
      level: 30,
      time: YESTERDAY,
      message: 'Processing started',
      context: undefined,
      error: undefined,
      fields: {},
      isPlain: true,
      otelContext: ROOT_CONTEXT,
      ...line,
    });
    return exporter.getFinishedLogRecords()[0]!;
  };
  beforeEach(() => {
    logs.setGlobalLoggerProvider(
      new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter })] }),
    );
  });
  afterEach(() => {
    logs.disable();
  });

  it.each([
    [Number.NaN, 'TRACE', 1],
    [-10, 'TRACE', 1],
    [0, 'TRACE', 1],
    [10, 'TRACE', 1],
    [19, 'TRACE', 1],
    [20, 'DEBUG', 5],
    [30, 'INFO', 9],
    [35, 'INFO', 9],
    [40, 'WARN', 13],
    [50, 'ERROR', 17],
    [59.9, 'ERROR', 17],
    [60, 'FATAL', 21],
    [70, 'FATAL', 21],
    [Infinity, 'FATAL', 21],
  ])('names the severity of level %d', (level, severityText, severityNumber) => {
    expect(emitted({ level })).toMatchObject({ severityText, severityNumber });
  });

  it('has the time of a line as the time of its observation', () => {
    const { hrTime, hrTimeObserved } = emitted();
    expect(hrTime[0]).toBe(Math.floor(YESTERDAY / 1_000));
    expect(hrTimeObserved).toEqual(hrTime);
  });

  it('has the time of observation of a line that has its own time', () => {
    const { hrTime, hrTimeObserved } = emitted({ observedTime: YESTERDAY + 5_000 });
    expect(hrTimeObserved).toEqual([hrTime[0] + 5, hrTime[1]]);
  });
});

describe('a log line with the time of a clock of the application', () => {
  let logging: ObservedLogging | undefined;
  afterEach(() => {
    stopObserving(logging);
  });

  it('was observed when it was written', () => {
    logging = observeLogging({ pino: { timestamp: () => `,"time":${YESTERDAY}` } });
    const before = Math.floor(Date.now() / 1_000);
    logging.logger!.info('late');
    const { hrTime, hrTimeObserved } = logging.logRecords()[0]!;
    expect(hrTime[0]).toBe(Math.floor(YESTERDAY / 1_000));
    expect(hrTimeObserved[0]).toBeGreaterThanOrEqual(before);
  });
});

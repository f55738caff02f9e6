import { context, logs, type Span, trace } from '@opentelemetry/api';
import {
  InMemoryLogRecordExporter,
  LoggerProvider,
  type LogRecordProcessor,
  type ReadableLogRecord,
  SimpleLogRecordProcessor,
} from '@opentelemetry/sdk-logs';
import {
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace';

import { type LoggingOptions } from '../../lib/config/logging.js';
import { resolveConfig } from '../../lib/config/resolve-config.js';
import { type TelemetryConfig } from '../../lib/config/telemetry-config.interface.js';
import { type TelemetryEngine } from '../../lib/config/telemetry-options.js';
import { type StartedLogging, startLogging } from '../../lib/logging/start-logging.js';
import { AsyncLocalStorageContextManager } from '../../lib/runtime/async-local-storage-context-manager.js';

export type Line = Record<string, unknown>;

export interface ObservedLogging extends StartedLogging {
  readonly config: TelemetryConfig;
  /** What reached the destination, as text. */
  readonly text: string[];
  /** The same as parsed JSON. */
  lines(): Line[];
  /** The only line; fails when there are more or none. */
  line(): Line;
  logRecords(): ReadableLogRecord[];
  spans(): ReadableSpan[];
  /** Starts logging anew, as a hot reload does. */
  restart(logging: LoggingOptions, serviceName: string): ObservedLogging;
}

export interface ObserveOptions extends LoggingOptions {
  readonly serviceName?: string;
  readonly engine?: TelemetryEngine;
  readonly emitLogRecords?: boolean;
  readonly processors?: readonly LogRecordProcessor[];
}

export function createConfig(
  logging: LoggingOptions | false,
  serviceName = 'orchestrator',
  engine: TelemetryEngine = 'fast',
): TelemetryConfig {
  const options = { serviceName, serviceVersion: '1.0.0', environment: 'test', engine, logging };
  return resolveConfig(options, { env: {} });
}

/** Starts logging into memory, around a real SDK for traces and logs; `stopObserving` ends all of it. */
export function observeLogging(options: ObserveOptions = {}): ObservedLogging {
  const { serviceName, engine, emitLogRecords = true, processors = [], ...logging } = options;
  const spanExporter = new InMemorySpanExporter();
  const logExporter = new InMemoryLogRecordExporter();
  trace.setGlobalTracerProvider(
    new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: spanExporter })] }),
  );
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  logs.setGlobalLoggerProvider(
    new LoggerProvider({
      processors: [new SimpleLogRecordProcessor({ exporter: logExporter }), ...processors],
    }),
  );
  const start = (startOptions: LoggingOptions, name = 'orchestrator'): ObservedLogging => {
    const text: string[] = [];
    const destination = { write: (line: string) => void text.push(line) };
    const config = createConfig(
      { level: 'trace', format: 'json', destination, ...startOptions },
      name,
      engine,
    );
    const lines = (): Line[] => text.map((line) => JSON.parse(line) as Line);
    return {
      ...startLogging(config, { emitLogRecords }),
      config,
      text,
      lines,
      line: () => {
        expect(lines()).toHaveLength(1);
        return lines()[0]!;
      },
      logRecords: () => logExporter.getFinishedLogRecords(),
      spans: () => spanExporter.getFinishedSpans(),
      restart: start,
    };
  };
  return start(logging, serviceName);
}

export function stopObserving(observed: StartedLogging | undefined): void {
  observed?.stop();
  startLogging(createConfig(false), { emitLogRecords: false });
  trace.disable();
  logs.disable();
  context.disable();
}

/** Runs `fn` in an active span called `name` and ends it. */
export function inSpan<T>(name: string, fn: (span: Span) => T): T {
  return trace.getTracer('test').startActiveSpan(name, (span) => {
    try {
      return fn(span);
    } finally {
      span.end();
    }
  });
}

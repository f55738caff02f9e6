import { SpanStatusCode } from '@opentelemetry/api';
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor } from '@opentelemetry/sdk-trace';
import {
  configureTelemetry,
  getTelemetry,
  type SamplingOptions,
  type TelemetryEngine,
  type TelemetryHandle,
  type TelemetryOptions,
} from 'nestjs-telemetry';

/** Telemetry that samples as told, and what left it through an exporter. */
export class ExportedSpans {
  private readonly exporter = new InMemorySpanExporter();
  private readonly kept: ReadableSpan[] = [];
  private running: TelemetryHandle | undefined;

  constructor(private readonly engine: TelemetryEngine) {}

  start(sampling: SamplingOptions, options: TelemetryOptions = {}): void {
    this.running = configureTelemetry({
      serviceName: 'sampling',
      engine: this.engine,
      instrumentation: false,
      logging: false,
      enablePrometheus: false,
      ...options,
      sampling,
      spanProcessors: [
        new SimpleSpanProcessor({ exporter: this.exporter }),
        ...(options.spanProcessors ?? []),
      ],
    });
  }

  async stop(): Promise<void> {
    // The exporter forgets at shutdown what it was given.
    this.kept.push(...this.exporter.getFinishedSpans());
    await this.running?.shutdown();
    this.running = undefined;
  }

  flush(): Promise<void> {
    return this.running?.flush().then(() => undefined) ?? Promise.resolve();
  }

  all(): ReadableSpan[] {
    return [...this.kept, ...this.exporter.getFinishedSpans()];
  }

  /** Their names, in the order they were exported. */
  names(): string[] {
    return this.all().map(({ name }) => name);
  }

  /** Their trace flags. */
  flags(): number[] {
    return this.all().map((span) => span.spanContext().traceFlags);
  }
}

/** Runs a local trace `root` → `child`, of which the child fails when told to. */
export function runTrace(root = 'root', { fails = false } = {}): void {
  const telemetry = getTelemetry('sampling');
  telemetry.trace(root, () => {
    telemetry.trace(`${root}.child`, (span) => {
      if (fails) span.setStatus({ code: SpanStatusCode.ERROR });
    });
  });
}

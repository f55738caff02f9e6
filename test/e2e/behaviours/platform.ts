import { type TelemetryOptions } from 'nestjs-telemetry';

type SpanProcessorOption = NonNullable<TelemetryOptions['spanProcessors']>[number];

/** One of the platforms the same behaviours must hold on. */
export interface Platform {
  readonly adapter: 'fastify' | 'express';
  readonly nest: 11 | 12;
  /** What records spans and log records. Default: the library's default. */
  readonly engine?: NonNullable<TelemetryOptions['engine']>;
  /** Starts OpenTelemetry the way a user would who had it before this library; resolves to what stops it. */
  startOwnSdk(processor: SpanProcessorOption): () => Promise<void>;
}

export function platformName({ nest, adapter, engine }: Platform): string {
  return `Nest ${nest} on ${adapter}${engine === undefined ? '' : `, engine ${engine}`}`;
}

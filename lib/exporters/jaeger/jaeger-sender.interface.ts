import { type ExportResult } from '@opentelemetry/core';
import { type ReadableSpan } from '@opentelemetry/sdk-trace';

/** Called with how many spans were meant, and what went wrong. */
export type SenderCallback = (spanCount: number, error?: string) => void;

/** What `@opentelemetry/exporter-jaeger` hands its spans to: a UDP or an HTTP sender of jaeger-client. */
export interface JaegerSender {
  append(span: { readonly operationName: string }, callback: SenderCallback): void;
  flush(callback: SenderCallback): void;
  close(): void;
}

/** The part of jaeger-client's UDP sender that we replace. */
export interface JaegerUdpSender extends JaegerSender {
  _client: UdpClient;
}

/** The part of jaeger-client's HTTP sender that we use to break off a request. */
export interface JaegerHttpSender extends JaegerSender {
  readonly _httpAgent: { destroy(): void };
}

/** What jaeger-client's UDP sender expects of a datagram socket. */
export interface UdpClient {
  send(
    message: Buffer,
    offset: number,
    length: number,
    port: number,
    host: string,
    callback: (error: Error | null, bytes: number) => void,
  ): void;
  close(): void;
}

/** What we use of `JaegerExporter`; the sender is made at the first span. */
export interface ThriftExporter {
  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void;
  _getSender(span: unknown): JaegerSender;
}

export interface ThriftExporterOptions {
  readonly host?: string;
  readonly port?: number;
  readonly maxPacketSize?: number;
  readonly endpoint?: string;
  readonly username?: string;
  readonly password?: string;
  /** What is told about the process in each packet. */
  readonly tags: readonly { readonly key: string; readonly value: string | number | boolean }[];
}

export type ThriftExporterConstructor = new (options: ThriftExporterOptions) => ThriftExporter;

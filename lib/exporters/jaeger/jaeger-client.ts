import type { ExportResult } from '@opentelemetry/core';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';

/** Called with how many spans were meant, and what went wrong. */
type SenderCallback = (spanCount: number, error?: string) => void;

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

/** What became of the spans of one export that did not get away. */
export interface Losses {
  /** Spans of packets or requests that could not be sent. */
  failed: number;
  /** Spans that no packet can hold. */
  dropped: number;
  /** Why the last packet or request failed. */
  error: string | undefined;
  /** Which span the last one was that no packet can hold. */
  tooLarge: string | undefined;
}

/**
 * Makes a sender write into the current account what it loses and carry on, where the exporter would give up the
 * rest of the batch at the first error.
 */
export function accountForLosses(sender: JaegerSender, account: () => Losses): void {
  const append = sender.append.bind(sender);
  const flush = sender.flush.bind(sender);

  sender.append = (span, callback) => {
    append(span, (count, error) => {
      if (error !== undefined) {
        const losses = account();
        losses.dropped += 1;
        losses.tooLarge = `the span "${span.operationName}" does not fit into a UDP packet: ${error} (bytes)`;
      }
      callback(count);
    });
  };
  // append() sends a full packet through this as well, so each packet is accounted for here and only here.
  sender.flush = (callback: SenderCallback) => {
    flush((count, error) => {
      if (error !== undefined) {
        const losses = account();
        losses.failed += count;
        losses.error = error;
      }
      callback(count);
    });
  };
}

/** Gives every flush of an HTTP sender a deadline; jaeger-client asks for a timeout and then ignores it. */
export function breakOffSlowRequests(sender: JaegerHttpSender, timeoutMs: number): void {
  const flush = sender.flush.bind(sender);
  sender.flush = (callback) => {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      // Fails the request that is under way; the agent opens new connections afterwards.
      sender._httpAgent.destroy();
    }, timeoutMs);
    flush((count, error) => {
      clearTimeout(timer);
      callback(count, late && error !== undefined ? `no answer within ${timeoutMs} ms` : error);
    });
  };
}

/**
 * What `construct` gives, while the named environment variables look unset to it: exporters read some of them on their
 * own account, past our configuration. Synchronous, so nobody else sees the variables missing.
 */
export function withoutVariables<Result>(names: readonly string[], construct: () => Result): Result {
  const hidden = names.map((name) => [name, process.env[name]] as const);
  try {
    for (const name of names) Reflect.deleteProperty(process.env, name);
    return construct();
  } finally {
    for (const [name, value] of hidden) {
      if (value !== undefined) process.env[name] = value;
    }
  }
}

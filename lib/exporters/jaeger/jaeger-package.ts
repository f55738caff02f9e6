import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';

import type { ExportResult } from '@opentelemetry/core';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';

import { hasMethods } from '../../config/option-rules.js';
import { requireForPackage } from '../../process/application-modules.js';

/** An optional peer dependency: only Jaeger's Thrift endpoints need it. */
export const JAEGER_PACKAGE = '@opentelemetry/exporter-jaeger';
/** 2.11 is the last minor release of this package; OpenTelemetry 3 has no Jaeger exporter. */
const NEEDED = { major: 2, minor: 11 };
const INSTALL = `npm install ${JAEGER_PACKAGE}@${NEEDED.major}`;

/**
 * Why spans cannot be sent as Thrift, with the command that installs the package; undefined when a
 * suitable version is installed. Reads one package.json and loads nothing.
 */
export function findJaegerPackageProblem(): string | undefined {
  const found = requireForPackage(JAEGER_PACKAGE);
  if (found === undefined)
    return `This endpoint needs the package ${JAEGER_PACKAGE}, which is not installed: run \`${INSTALL}\`.`;
  const version = versionOf(found.resolve(JAEGER_PACKAGE));
  const [major = NaN, minor = NaN] = version.split('.').map(Number);
  if (major === NEEDED.major && minor >= NEEDED.minor) return undefined;
  return `This endpoint needs ${JAEGER_PACKAGE} ${NEEDED.major}.${NEEDED.minor} or a later 2.x, and ${version} is installed: run \`${INSTALL}\`.`;
}

function versionOf(entryFile: string): string {
  for (let folder = dirname(entryFile); folder !== dirname(folder); folder = dirname(folder)) {
    try {
      const manifest: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
      const { name, version } = manifest as { readonly name?: unknown; readonly version?: unknown };
      if (name === JAEGER_PACKAGE) return String(version);
    } catch {
      // The folders inside of a package have no package.json.
    }
  }
  return 'an unknown version';
}

/**
 * Loads the exporter, after the start has gone on. Bundlers must not see the package: an
 * application that does not use it could not be bundled otherwise.
 *
 * @throws Error when the package is not installed
 */
export async function loadJaegerExporter(): Promise<ThriftExporterConstructor> {
  await setImmediate();
  const found = requireForPackage(JAEGER_PACKAGE);
  if (found === undefined) throw new Error('it is not installed');
  const { JaegerExporter } = found(JAEGER_PACKAGE) as { readonly JaegerExporter: ThriftExporterConstructor };
  return JaegerExporter;
}

/** The public part of `JaegerExporter` that is used here. */
export interface ThriftExporter {
  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void;
}

export interface ThriftExporterOptions {
  readonly host?: string;
  readonly port?: number;
  readonly maxPacketSize?: number;
  readonly endpoint?: string;
  readonly username?: string;
  readonly password?: string;
  /** Attributes of the process, sent once per packet. */
  readonly tags: readonly { readonly key: string; readonly value: string | number | boolean }[];
}

export type ThriftExporterConstructor = new (options: ThriftExporterOptions) => ThriftExporter;

/** Receives the number of spans of a packet or request, and why it failed. */
type SenderCallback = (spanCount: number, error?: string) => void;

/** The UDP or HTTP sender of jaeger-client, to which `JaegerExporter` passes its spans. */
export interface JaegerSender {
  append(span: { readonly operationName: string }, callback: SenderCallback): void;
  flush(callback: SenderCallback): void;
  close(): void;
}

/** The socket that jaeger-client's UDP sender writes to. */
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

// The private members that are used: `_getSender` of JaegerExporter, `_client` and `_httpAgent` of
// jaeger-client's senders. Each function below checks the members that it uses, and names the one
// that a new release has changed.

interface PrivateExporter extends ThriftExporter {
  _getSender(span: unknown): JaegerSender;
}

/** Calls `prepare` with the sender when the exporter creates it, which is at the first span. */
export function onSender(exporter: ThriftExporter, prepare: (sender: JaegerSender) => JaegerSender): void {
  const owner = exporter as PrivateExporter; // not in its types
  checkMethod(owner, '_getSender', 'JaegerExporter');
  const getSender = owner._getSender.bind(owner);
  let prepared: JaegerSender | undefined;
  owner._getSender = (span) => {
    if (prepared !== undefined) return prepared;
    const sender = getSender(span);
    for (const method of ['append', 'flush', 'close']) checkMethod(sender, method, 'the sender');
    return (prepared = prepare(sender));
  };
}

/** Lets a UDP sender write to `client` instead of its own socket, which is closed. */
export function replaceUdpClient(sender: JaegerSender, client: UdpClient): void {
  const owner = sender as JaegerSender & { _client: UdpClient }; // not in its types
  checkMethod(owner._client, 'close', 'UDPSender._client');
  owner._client.close();
  owner._client = client;
}

/** Ends the current request of an HTTP sender. Its agent opens new connections afterwards. */
export function abortHttpRequest(sender: JaegerSender): void {
  const { _httpAgent } = sender as JaegerSender & { readonly _httpAgent: { destroy(): void } }; // not in its types
  checkMethod(_httpAgent, 'destroy', 'HTTPSender._httpAgent');
  _httpAgent.destroy();
}

/** Aborts each HTTP request after `timeoutMs`, which jaeger-client sets and then ignores. */
export function limitHttpRequests(sender: JaegerSender, timeoutMs: number): void {
  const flush = sender.flush.bind(sender);
  sender.flush = (callback) => {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      abortHttpRequest(sender);
    }, timeoutMs);
    flush((count, error) => {
      clearTimeout(timer);
      callback(count, late && error !== undefined ? `no answer within ${timeoutMs} ms` : error);
    });
  };
}

/** The spans of one export that were lost. */
export interface Losses {
  /** Spans of packets or requests that could not be sent. */
  failed: number;
  /** Spans that are too large for any packet. */
  dropped: number;
  /** Why the last packet or request failed. */
  error: string | undefined;
  /** Names the last span that was too large for a packet. */
  tooLarge: string | undefined;
}

/**
 * Lets a sender count its losses and continue, where the exporter would drop the rest of the batch
 * at the first error.
 */
export function accountForLosses(sender: JaegerSender, currentLosses: () => Losses): void {
  const append = sender.append.bind(sender);
  const flush = sender.flush.bind(sender);
  sender.append = (span, callback) => {
    append(span, (count, error) => {
      if (error !== undefined) {
        const losses = currentLosses();
        losses.dropped += 1;
        losses.tooLarge = `the span "${span.operationName}" does not fit into a UDP packet: ${error} (bytes)`;
      }
      callback(count);
    });
  };
  // append() sends a full packet through flush(), so packets are counted only here.
  sender.flush = (callback) => {
    flush((count, error) => {
      if (error !== undefined) {
        const losses = currentLosses();
        losses.failed += count;
        losses.error = error;
      }
      callback(count);
    });
  };
}

const ENDPOINT_VARIABLE = 'OTEL_EXPORTER_JAEGER_ENDPOINT';

/**
 * Creates an exporter that does not read the endpoint of the environment: `localhost:6831` in it
 * would become a broken HTTP address. Synchronous, so other code never misses the variable.
 */
export function createThriftExporter(
  Exporter: ThriftExporterConstructor,
  options: ThriftExporterOptions,
): ThriftExporter {
  const hidden = process.env[ENDPOINT_VARIABLE];
  try {
    Reflect.deleteProperty(process.env, ENDPOINT_VARIABLE);
    return new Exporter(options);
  } finally {
    if (hidden !== undefined) process.env[ENDPOINT_VARIABLE] = hidden;
  }
}

/** @throws Error that names the member, when a new release has no such method */
function checkMethod(owner: unknown, method: string, ownerName: string): void {
  if (!hasMethods(owner, [method]))
    throw new Error(`this version of ${JAEGER_PACKAGE} has no ${ownerName}.${method}()`);
}

import { randomBytes } from 'node:crypto';
import { type Server } from 'node:http';
import { type AddressInfo } from 'node:net';

import { type INestApplication, Module, type ModuleMetadata } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { context, createContextKey, ROOT_CONTEXT } from '@opentelemetry/api';
import { TelemetryModule, type TelemetryOptions } from 'nestjs-telemetry';

import { SpanCollector, WrittenLines } from './collectors.js';
import { type Platform } from './platform.js';

export interface AppUnderTest extends Pick<ModuleMetadata, 'controllers' | 'providers' | 'imports'> {
  /** Merged over options that collect spans and log lines in memory. */
  telemetry?: TelemetryOptions;
  /** Replaces `TelemetryModule.forRoot()`; receives the options that collect. */
  importTelemetry?: (options: TelemetryOptions) => NonNullable<ModuleMetadata['imports']>[number];
  /** Options of the Fastify adapter; Express has its settings, see `configure`. */
  fastify?: ConstructorParameters<typeof FastifyAdapter>[0];
  /** Runs before the application listens: prefixes, pipes, hooks. */
  configure?: (app: INestApplication) => void;
}

/** Who calls: the parent that a server span must have. */
export interface Caller {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceparent: string;
}

export function newCaller(): Caller {
  const traceId = randomBytes(16).toString('hex');
  const spanId = randomBytes(8).toString('hex');
  return { traceId, spanId, traceparent: `00-${traceId}-${spanId}-01` };
}

/**
 * The context of a test acting as a client: it lives in the process it observes, so what it sends must not be recorded as
 * that process's own. The key is the one of OpenTelemetry's `suppressTracing()`.
 */
const outside = ROOT_CONTEXT.setValue(
  createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING'),
  true,
);

/** fetch as somebody outside of the observed process. */
export function fetchFromOutside(url: string, init?: RequestInit): Promise<Response> {
  return fromOutside(() => fetch(url, init));
}

/** Runs `fn` as somebody outside of the observed process: what it sends is not recorded as that process's own. */
export function fromOutside<T>(fn: () => T): T {
  return context.with(outside, fn);
}

/** A Nest application with telemetry that listens on a free port of loopback, and what it recorded. */
export class RunningApp {
  private constructor(
    readonly app: INestApplication,
    readonly origin: string,
    readonly spans: SpanCollector,
    readonly log: WrittenLines,
  ) {}

  static async start(platform: Platform, parts: AppUnderTest): Promise<RunningApp> {
    const spans = new SpanCollector();
    const log = new WrittenLines();
    const options: TelemetryOptions = {
      serviceName: 'behaviours',
      ...(platform.engine !== undefined && { engine: platform.engine }),
      ...parts.telemetry,
      spanProcessors: [spans, ...(parts.telemetry?.spanProcessors ?? [])],
      logging: collectInto(log, parts.telemetry?.logging),
    };
    const telemetry = parts.importTelemetry?.(options) ?? TelemetryModule.forRoot(options);
    const app = await createApp(platform, parts.fastify, {
      imports: [telemetry, ...(parts.imports ?? [])],
      controllers: parts.controllers ?? [],
      providers: parts.providers ?? [],
    });
    parts.configure?.(app);
    await app.listen(0, '127.0.0.1');
    return new RunningApp(app, `http://127.0.0.1:${portOf(app)}`, spans, log);
  }

  get port(): number {
    return Number(new URL(this.origin).port);
  }

  /** Requests `path` from outside, with the caller's `traceparent` when one is given. */
  fetch(
    path: string,
    { caller, headers, ...init }: RequestInit & { caller?: Caller } = {},
  ): Promise<Response> {
    const sent = new Headers(headers);
    if (caller !== undefined) sent.set('traceparent', caller.traceparent);
    return fetchFromOutside(this.origin + path, { ...init, headers: sent });
  }

  /** The metrics page, as a scraper reads it. */
  async scrape(path = '/metrics'): Promise<string> {
    return (await this.fetch(path)).text();
  }

  /** Closes the application; what a failed test left open must not keep it from closing. */
  async stop(): Promise<void> {
    const closed = this.app.close();
    // A server of HTTP/2 has no such method.
    (this.app.getHttpServer() as Partial<Server>).closeAllConnections?.();
    await closed;
  }
}

function collectInto(
  log: WrittenLines,
  logging: TelemetryOptions['logging'],
): NonNullable<TelemetryOptions['logging']> {
  if (logging === false) return false;
  const own = { format: 'json', level: 'debug', destination: log.destination } as const;
  return logging === undefined || logging === true ? own : { ...own, ...logging };
}

async function createApp(
  platform: Platform,
  fastify: AppUnderTest['fastify'],
  metadata: ModuleMetadata,
): Promise<INestApplication> {
  @Module(metadata)
  class AppModule {}

  // `bufferLogs` leaves the lines of the start to the logger under test.
  return platform.adapter === 'fastify'
    ? NestFactory.create(AppModule, new FastifyAdapter(fastify as object), {
        bufferLogs: true,
        abortOnError: false,
      })
    : NestFactory.create(AppModule, new ExpressAdapter(), { bufferLogs: true, abortOnError: false });
}

function portOf(app: INestApplication): number {
  const { port } = (app.getHttpServer() as Server).address() as AddressInfo;
  return port;
}

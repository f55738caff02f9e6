import { errorMonitor } from 'node:events';
import { type IncomingMessage, type ServerResponse } from 'node:http';
import { type Http2ServerRequest } from 'node:http2';
import { type Readable } from 'node:stream';

import { type Context, context } from '@opentelemetry/api';

import { type TelemetryConfig } from '../../config/telemetry-config.interface.js';
import { afterTurn } from '../../engine/lineage.js';
import { suppressTracing } from '../../engine/suppressed-tracing.js';
import { warnOnce } from '../../errors/warnings.js';
import { endRequestScope, runInRequestScope, withRequestScope } from '../../logging/request-scope.js';
import { revoke } from '../../runtime/linked-context.js';
import { type HttpFramework, RAW_FRAMEWORK } from './http-framework.js';
import { createRecordingSettings, type RecordingSettings } from './recording-settings.js';
import { RequestRecord, RouteRecords } from './request-record.js';
import { addResponseHeaders } from './response-headers.js';
import { mayHaveBody, pathOf } from './server-span.js';

/** Records the requests of one application. */
export class HttpServerRecorder {
  private readonly settings: RecordingSettings;
  /** Without the application's hooks, which get objects of a framework that some requests lack. */
  private readonly rawSettings: RecordingSettings;
  private readonly routes = new RouteRecords();

  constructor(
    private readonly framework: HttpFramework,
    config: TelemetryConfig,
  ) {
    this.settings = createRecordingSettings(config);
    const withoutHooks = { spanAttributes: undefined, metricAttributes: undefined, userOf: undefined };
    this.rawSettings = { ...this.settings, ...withoutHooks };
  }

  /**
   * Records a request until its response ends, and runs `proceed` with its span active. Of an
   * ignored request nothing is recorded, and nothing of what it calls.
   */
  handle(
    request: unknown,
    response: unknown,
    raw: IncomingMessage,
    rawResponse: ServerResponse,
    proceed: () => unknown,
  ): unknown {
    const record = this.open(this.framework, this.settings, request, response, raw);
    if (record === undefined) return proceed();
    if (record === 'ignored') return proceedUnrecorded(rawResponse, proceed);
    followResponse(rawResponse);
    const { responseHeaders } = this.settings;
    if (responseHeaders !== undefined) addResponseHeaders(rawResponse, responseHeaders, record.context);
    return context.with(record.context, proceed);
  }

  /** Records a request that was answered before any hook: its URL is not valid. */
  handleUnseen(raw: IncomingMessage, rawResponse: ServerResponse): void {
    if (!this.framework.answersUnseen || !rawResponse.writableEnded || recordOf(raw) !== undefined) return;
    const record = this.open(RAW_FRAMEWORK, this.rawSettings, raw, rawResponse, raw);
    if (record !== undefined && record !== 'ignored') followResponse(rawResponse);
  }

  /** Opens the record of an upgrade; its socket ends it. */
  openUpgrade(raw: IncomingMessage): RequestRecord | 'ignored' | undefined {
    return this.open(RAW_FRAMEWORK, this.rawSettings, raw, undefined, raw);
  }

  /** undefined for a request that is recorded already, or cannot be. */
  private open(
    framework: HttpFramework,
    settings: RecordingSettings,
    request: unknown,
    response: unknown,
    raw: IncomingMessage,
  ): RequestRecord | 'ignored' | undefined {
    try {
      const route = framework.routeAtStart(request);
      const known = recordOf(raw);
      if (known !== undefined) {
        known.adoptRoute?.(route);
        return undefined;
      }
      const path = pathOf(framework.urlOf(request));
      if (settings.ignores(path) || (route !== undefined && settings.ignores(route))) {
        noteRecord(raw, IGNORED);
        return 'ignored';
      }
      const record = new RequestRecord(settings, this.routes, framework, request, response, raw, path, route);
      noteRecord(raw, record);
      return record;
    } catch (error) {
      warnOnce('http-server:start', `a request could not be recorded: ${String(error)}`);
      return undefined;
    }
  }
}

/** What is kept on a recorded request, in a shape that other copies of this package know. */
interface MessageRecord {
  readonly context?: Context;
  /** The `emit` of the request, which its events are passed to. */
  emit?: IncomingMessage['emit'] | undefined;
  end?(statusCode: number | undefined, aborted: boolean, answer?: ServerResponse): void;
  adoptRoute?(route: string | undefined): void;
  /** Notes what broke the body of the response. */
  fail?(error: unknown): void;
  /** The id that answers to exceptions show; undefined where they do not. */
  traceIdForErrors?(): string | undefined;
}

/** A request is recorded once, however many hooks and copies of this package see it. */
const RECORD = Symbol.for('nestjs-telemetry.http-request');

type RecordedMessage = IncomingMessage & { [RECORD]?: MessageRecord };

/** For a request that an ignore rule matched. */
const IGNORED: MessageRecord = Object.freeze({});

export function recordOf(message: RecordedMessage): MessageRecord | undefined {
  return message[RECORD];
}

/** Keeps the record on its request, and emits the events of a body in its context. */
function noteRecord(message: RecordedMessage, record: MessageRecord): void {
  message[RECORD] = record;
  if (record.context === undefined || !mayHaveBody(message)) return;
  // Bytes of a body arrive in the context of the connection, without the span.
  // eslint-disable-next-line @typescript-eslint/unbound-method -- `emitInContext()` calls it with the request as `this`
  record.emit = message.emit;
  message.emit = emitInContext;
}

function emitInContext(this: RecordedMessage, event: string | symbol, ...args: unknown[]): boolean {
  const { context: active, emit } = this[RECORD] ?? {};
  if (active === undefined || emit === undefined) return false;
  const proceed = (): boolean => emit.call(this, event, ...args);
  return context.active() === active ? proceed() : context.with(active, proceed);
}

/** Ends the record of the request with its response, by functions that all requests share. */
function followResponse(response: ServerResponse): void {
  response.on('finish', endFinished);
  response.on('close', endAborted);
  response.on('pipe', followSource);
}

/** A stream that fails half-way ends the response without an exception that NestJS sees. */
function followSource(this: ServerResponse, source: Readable): void {
  const record = recordOf(this.req);
  // A monitor: a listener would handle the error.
  source.on(errorMonitor, (error: unknown) => record?.fail?.(error));
}

/**
 * Runs `proceed` unrecorded and in a logging scope, both until the response is closed: a timer or a
 * connection that it starts outlives it.
 */
function proceedUnrecorded(response: ServerResponse, proceed: () => unknown): unknown {
  const scoped = withRequestScope(context.active());
  const suppressed = suppressTracing(scoped);
  response.once('close', () => {
    endRequestScope(suppressed);
    afterTurn(() => {
      revoke(suppressed);
    });
  });
  return context.with(suppressed, proceed);
}

/** Runs `proceed` in a logging scope until the response is closed, without recording. */
export function proceedInScope(response: ServerResponse, proceed: () => unknown): unknown {
  const scoped = withRequestScope(context.active());
  if (scoped === context.active()) return runInRequestScope(proceed);
  response.once('close', () => {
    endRequestScope(scoped);
  });
  return context.with(scoped, proceed);
}

function endFinished(this: ServerResponse): void {
  // HTTP/2 also finishes an aborted response: only the request shows it.
  const { httpVersionMajor, aborted }: Pick<Http2ServerRequest, 'httpVersionMajor' | 'aborted'> = this.req;
  endRecord(this, httpVersionMajor === 2 && aborted);
}

function endAborted(this: ServerResponse): void {
  endRecord(this, true);
}

function endRecord(response: ServerResponse, aborted: boolean): void {
  const statusCode = aborted && !response.headersSent ? undefined : response.statusCode;
  recordOf(response.req)?.end?.(statusCode, aborted, response);
}

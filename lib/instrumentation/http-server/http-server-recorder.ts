import { type IncomingMessage, type ServerResponse } from 'node:http';

import { context } from '@opentelemetry/api';

import { type TelemetryConfig } from '../../config/telemetry-config.interface.js';
import { warnOnce } from '../../errors/warnings.js';
import { type HttpFramework } from './http-framework.interface.js';
import { RAW_FRAMEWORK } from './raw.framework.js';
import { pathOf } from './read-request.js';
import { createRecordingSettings, type RecordingSettings } from './recording-settings.js';
import { followResponse, IGNORED, noteRecord, proceedUnrecorded, recordOf } from './recorded-message.js';
import { RequestRecord } from './request-record.js';
import { RouteRecords } from './route-records.js';

/** Records the requests of one application. */
export class HttpServerRecorder {
  private readonly settings: RecordingSettings;
  /** The application's hooks are given its framework's objects, which are not there for every request. */
  private readonly rawSettings: RecordingSettings;
  private readonly routes = new RouteRecords();

  constructor(
    private readonly framework: HttpFramework,
    config: TelemetryConfig,
  ) {
    this.settings = createRecordingSettings(config);
    this.rawSettings = { ...this.settings, spanAttributes: undefined, metricAttributes: undefined };
  }

  /**
   * Records a request from here to the end of its response, and runs `proceed` with its span active. An ignored request
   * leaves nothing, neither here nor in anything it calls. Gives back what `proceed` returns.
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
    return context.with(record.context, proceed);
  }

  /** Records a request that was answered before any hook of the framework saw it: a URL that no router can read. */
  handleUnseen(raw: IncomingMessage, rawResponse: ServerResponse): void {
    if (!this.framework.answersUnseen || !rawResponse.writableEnded || recordOf(raw) !== undefined) return;
    const record = this.open(RAW_FRAMEWORK, this.rawSettings, raw, rawResponse, raw);
    if (record !== undefined && record !== 'ignored') followResponse(rawResponse);
  }

  /** Opens the record of an upgrade, which whoever watches its socket ends. */
  openUpgrade(raw: IncomingMessage): RequestRecord | 'ignored' | undefined {
    return this.open(RAW_FRAMEWORK, this.rawSettings, raw, undefined, raw);
  }

  /** Gives undefined for a request that is recorded already, and for one that cannot be. */
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

import { type AbstractHttpAdapter, type HttpAdapterHost, type ModuleRef } from '@nestjs/core';

import { createRequestObserver } from './instrumentation/http-server/create-request-observer.js';
import { compileIgnoreRules } from './instrumentation/http-server/ignore-rules.js';
import { instrumentAdapter, type RecordExchange } from './instrumentation/http-server/instrument-adapter.js';
import { recordRequest } from './instrumentation/http-server/record-request.js';
import { activateInstrumentation } from './instrumentation/instrumentation-registry.js';
import { recordExceptions } from './instrumentation/nest/record-exceptions.js';
import { mountMetricsEndpoint, type MetricsEndpoint } from './metrics-endpoint.js';
import { type RunningTelemetry } from './runtime/running-telemetry.interface.js';

export interface ObservedHttpApplication {
  /** Called when the application has registered its routes. */
  completeRoutes(): void;
  /** Leaves the adapter as it was. */
  stop(): void;
}

/**
 * Instruments the HTTP adapter of one application and offers `/metrics` on it. In a test the adapter arrives after the
 * container is filled, so it is waited for; an application without HTTP never gets one.
 */
export function observeHttpApplication(
  telemetry: RunningTelemetry,
  host: HttpAdapterHost,
  moduleRef: ModuleRef,
): ObservedHttpApplication {
  const { config, runtime } = telemetry;
  const record = createRecord(telemetry);
  const undo: (() => void)[] = [];
  let endpoint: MetricsEndpoint | undefined;

  const waiting = whenAdapterIsThere(host, (adapter) => {
    undo.push(instrumentAdapter(adapter, record ?? passThrough));
    // Here and not with the process-wide ones: those run without NestJS too, and this one loads its core.
    if (record !== undefined) undo.push(activateInstrumentation('nest-exceptions', recordExceptions));
    const { prometheus } = config.metrics;
    if (prometheus !== undefined && prometheus.port === undefined && runtime?.prometheus !== undefined) {
      endpoint = mountMetricsEndpoint(adapter, prometheus, runtime.prometheus, moduleRef);
    }
  });
  return {
    completeRoutes: () => endpoint?.completeRoutes(),
    stop: () => {
      waiting.unsubscribe();
      for (const restore of undo) restore();
    },
  };
}

/** undefined where requests are not to be recorded. */
function createRecord({ config, runtime }: RunningTelemetry): RecordExchange | undefined {
  const { httpServer } = config.instrumentation;
  if (runtime === undefined || httpServer === undefined) return undefined;
  const ignore = compileIgnoreRules(httpServer.ignore);
  const observer = createRequestObserver();
  return (exchange, proceed) => {
    recordRequest(exchange, ignore, observer, proceed);
  };
}

/** Without a record a request still gets its logging scope. */
const passThrough: RecordExchange = (_exchange, proceed) => {
  proceed();
};

function whenAdapterIsThere(
  host: HttpAdapterHost,
  then: (adapter: AbstractHttpAdapter) => void,
): { unsubscribe(): void } {
  // Replayed when the adapter is there already.
  return host.init$.subscribe(() => {
    // Whatever its type says: an application context has null.
    const adapter = host.httpAdapter as AbstractHttpAdapter | null | undefined;
    if (adapter !== null && adapter !== undefined) then(adapter);
  });
}

import { type AbstractHttpAdapter, type HttpAdapterHost, type ModuleRef } from '@nestjs/core';

import { createRequestObserver } from './instrumentation/http-server/create-request-observer.js';
import { compileIgnoreRules } from './instrumentation/http-server/ignore-rules.js';
import { instrumentAdapter } from './instrumentation/http-server/instrument-adapter.js';
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
  { config, runtime }: RunningTelemetry,
  host: HttpAdapterHost,
  moduleRef: ModuleRef,
): ObservedHttpApplication {
  let endpoint: MetricsEndpoint | undefined;
  const undo: (() => void)[] = [];
  const observe = (adapter: AbstractHttpAdapter): void => {
    const { httpServer } = config.instrumentation;
    if (httpServer !== undefined) {
      undo.push(
        instrumentAdapter(adapter, compileIgnoreRules(httpServer.ignore), createRequestObserver()),
        // Here and not with the process-wide ones: those run without NestJS too, and this one loads its core.
        activateInstrumentation('nest-exceptions', recordExceptions),
      );
    }
    const { prometheus } = config.metrics;
    if (prometheus !== undefined && prometheus.port === undefined && runtime?.prometheus !== undefined) {
      endpoint = mountMetricsEndpoint(adapter, prometheus, runtime.prometheus, moduleRef);
    }
  };

  const waiting = runtime === undefined ? undefined : whenAdapterIsThere(host, observe);
  return {
    completeRoutes: () => endpoint?.completeRoutes(),
    stop: () => {
      waiting?.unsubscribe();
      for (const restore of undo) restore();
    },
  };
}

function whenAdapterIsThere(
  host: HttpAdapterHost,
  then: (adapter: AbstractHttpAdapter) => void,
): { unsubscribe(): void } {
  const tell = (): void => {
    // Whatever its type says: an application context has null, a test nothing until it is made an application.
    const adapter = host.httpAdapter as AbstractHttpAdapter | null | undefined;
    if (adapter !== null && adapter !== undefined) then(adapter);
  };
  return host.init$.subscribe(tell);
}

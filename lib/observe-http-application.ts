import { type AbstractHttpAdapter, type HttpAdapterHost, type ModuleRef } from '@nestjs/core';

import { createRequestObserver } from './instrumentation/http-server/create-request-observer.js';
import { compileIgnoreRules } from './instrumentation/http-server/ignore-rules.js';
import { instrumentAdapter } from './instrumentation/http-server/instrument-adapter.js';
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
  let undo: (() => void) | undefined;
  const observe = (adapter: AbstractHttpAdapter): void => {
    const { httpServer } = config.instrumentation;
    if (httpServer !== undefined) {
      undo = instrumentAdapter(adapter, compileIgnoreRules(httpServer.ignore), createRequestObserver());
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
      undo?.();
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

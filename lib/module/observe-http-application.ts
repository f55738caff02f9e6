import {
  type AbstractHttpAdapter,
  type HttpAdapterHost,
  type ModuleRef,
  type ModulesContainer,
} from '@nestjs/core';

import { HttpServerRecorder } from '../instrumentation/http-server/http-server-recorder.js';
import { frameworkOf, instrumentAdapter } from '../instrumentation/http-server/instrument-adapter.js';
import { observeServer, type ServerLike } from '../instrumentation/http-server/observe-server.js';
import { activateInstrumentation } from '../instrumentation/instrumentation-registry.js';
import { recordExceptions } from '../instrumentation/nest/record-exceptions.js';
import { mountDashboard, type MountedDashboard } from './observe-dashboard.js';
import { mountMetricsEndpoint, type MetricsEndpoint } from '../metrics/metrics-endpoint.js';
import { type RunningTelemetry } from '../runtime/running-telemetry.interface.js';

export interface ObservedHttpApplication {
  /** Called when the application has registered its routes, and has its server. */
  completeRoutes(): void;
  /** Ends what is still being sent, so that the server can close. */
  close(): void;
  /** Leaves the adapter as it was. */
  stop(): void;
}

/**
 * Instruments the HTTP adapter of one application and offers `/metrics` and the dashboard on it. In a test the adapter arrives after the
 * container is filled, so it is waited for; an application without HTTP never gets one.
 */
export function observeHttpApplication(
  telemetry: RunningTelemetry,
  host: HttpAdapterHost,
  moduleRef: ModuleRef,
  modules: ModulesContainer,
): ObservedHttpApplication {
  const { config, runtime } = telemetry;
  const undo: (() => void)[] = [];
  let endpoint: MetricsEndpoint | undefined;
  let dashboard: MountedDashboard | undefined;
  let observeUpgrades = (): void => undefined;

  const waiting = whenAdapterIsThere(host, (adapter) => {
    const recorder = createRecorder(telemetry, adapter);
    undo.push(instrumentAdapter(adapter, recorder));
    if (recorder !== undefined) {
      // Here and not with the process-wide ones: those run without NestJS too, and this one loads its core.
      undo.push(activateInstrumentation('nest-exceptions', recordExceptions));
      observeUpgrades = () => {
        const server = adapter.getHttpServer() as ServerLike | undefined;
        if (server !== undefined) undo.push(observeServer(server, recorder));
      };
    }
    const { prometheus } = config.metrics;
    if (prometheus !== undefined && prometheus.port === undefined && runtime?.prometheus !== undefined) {
      endpoint = mountMetricsEndpoint(adapter, prometheus, runtime.prometheus, moduleRef);
    }
    // After the hook that records requests, because it goes before it; after /metrics, which is no route of the application.
    dashboard = mountDashboard(telemetry, adapter, modules);
  });
  return {
    completeRoutes: () => {
      observeUpgrades();
      dashboard?.completeRoutes();
      endpoint?.completeRoutes();
    },
    close: () => {
      dashboard?.close();
    },
    stop: () => {
      waiting.unsubscribe();
      dashboard?.stop();
      for (const restore of undo) restore();
    },
  };
}

/** undefined where requests are not to be recorded, or cannot be. */
function createRecorder(
  { config, runtime }: RunningTelemetry,
  adapter: AbstractHttpAdapter,
): HttpServerRecorder | undefined {
  if (runtime === undefined || config.instrumentation.httpServer === undefined) return undefined;
  const framework = frameworkOf(adapter);
  return framework === undefined ? undefined : new HttpServerRecorder(framework, config);
}

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

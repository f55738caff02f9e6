import { type AbstractHttpAdapter } from '@nestjs/core';
import { context } from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';

import { type DashboardConfig, type TelemetryConfig } from '../../config/telemetry-config.interface.js';
import { Dashboard } from '../dashboard.js';
import { sessionToken } from '../http/session-token.js';
import { takeRequests } from '../../instrumentation/http-server/take-requests.js';
import { type ListeningServer, tellAddress } from './tell-address.js';
import { describeRoutes } from '../routes/describe-routes.js';
import { findHandlers, type ModulesLike } from '../routes/find-handlers.js';
import { type RouteWatch, watchRoutes } from '../../instrumentation/http-server/watch-routes.js';
import { warnOnce } from '../../errors/warnings.js';
import { loadedLibraries } from '../../instrumentation/clients/recorded-libraries.js';
import { activeInstrumentations } from '../../instrumentation/instrumentation-registry.js';
import { writeOwnLine } from '../../logging/own-lines.js';
import { TelemetryLogger } from '../../logging/telemetry-logger.js';
import { withoutRedaction } from '../../redaction/active-redaction.js';
import { type StoreFeed } from '../feed/store-pipeline.js';
import { type RunningTelemetry } from '../../runtime/running-telemetry.interface.js';

export interface MountedDashboard {
  /** Called when the application has registered its routes: they are then known, and the page steps back for one on its path. */
  completeRoutes(): void;
  /** Ends live streams, so that the server can close. */
  close(): void;
  /** Takes no more requests. */
  stop(): void;
}

/**
 * Offers the dashboard on an application's own port, and makes the routes of the application known to the store; undefined where
 * nothing is kept.
 */
export function mountDashboard(
  { config, runtime }: RunningTelemetry,
  adapter: AbstractHttpAdapter,
  modules: ModulesLike,
): MountedDashboard | undefined {
  const feed = runtime?.feed;
  if (feed === undefined) {
    if (config.dashboard !== undefined && runtime !== undefined && config.store === undefined)
      warnOnce('dashboard:no-store', 'The dashboard is not served: store: false leaves it nothing to show.');
    return undefined;
  }
  const watch = watchRoutes(adapter);
  const page = config.dashboard && serve(config.dashboard, tokenOf(config), feed, adapter);
  return {
    completeRoutes: () => {
      watch.stop();
      page?.completeRoutes(watch);
      feed.declareRoutes(describeRoutes(watch.routes, findHandlers(modules)));
    },
    close: () => page?.close(),
    stop: () => {
      watch.stop();
      page?.stop();
    },
  };
}

interface ServedPage {
  completeRoutes(watch: RouteWatch): void;
  close(): void;
  stop(): void;
}

/** What visitors must send; undefined where the dashboard is open. */
function tokenOf({ dashboard, store }: TelemetryConfig): string | undefined {
  if (dashboard?.token === false) return undefined;
  return dashboard?.token ?? sessionToken(store?.file ?? ':memory:');
}

function serve(
  options: DashboardConfig,
  token: string | undefined,
  { store, resource }: StoreFeed,
  adapter: AbstractHttpAdapter,
): ServedPage | undefined {
  const { path } = options;
  const dashboard = new Dashboard({
    config: options,
    token,
    store,
    resource,
    instrumentations: activeInstrumentations,
    libraries: loadedLibraries,
  });
  const stop = takeRequests(adapter, path, dashboard.serve);
  if (stop === undefined) {
    warnOnce(
      'dashboard:adapter',
      `The dashboard cannot be served by an HTTP adapter of the type ${adapter.getType()}: it needs Fastify or Express.`,
    );
    return undefined;
  }
  return {
    completeRoutes: ({ routes }) => {
      const taken = routes.find(({ path: route }) => route === path || route.startsWith(`${path}/`));
      if (taken !== undefined) {
        stop();
        warnTaken(taken.path);
        return;
      }
      const server = adapter.getHttpServer() as ListeningServer | undefined;
      if (server !== undefined)
        tellAddress(server, path, (address) => {
          logAddress(address, options.token === undefined ? token : undefined);
        });
    },
    close: () => {
      dashboard.close();
    },
    stop,
  };
}

/**
 * The token must not leave this machine: the line with it is no log record.
 *
 * @param token undefined where none is needed, or where the user has set it and knows it
 */
function logAddress(address: string, token: string | undefined): void {
  const where = token === undefined ? address : `${address}/#token=${token}`;
  context.with(suppressTracing(context.active()), () => {
    withoutRedaction(() => {
      writeOwnLine('info', () => {
        new TelemetryLogger('TelemetryModule').logInfo(`The dashboard is at ${where}`);
      });
    });
  });
}

function warnTaken(path: string): void {
  warnOnce(
    `dashboard-path:${path}`,
    `The application has a route on ${path} itself, so the dashboard is not served there; nor is what is below that path recorded. ` +
      'Set dashboard.path to another path, or dashboard to false.',
  );
}

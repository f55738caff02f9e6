import { type AbstractHttpAdapter } from '@nestjs/core';

import { Dashboard } from './dashboard/dashboard.js';
import { takeRequests } from './dashboard/mount/take-requests.js';
import { describeRoutes } from './dashboard/routes/describe-routes.js';
import { findHandlers, type ModulesLike } from './dashboard/routes/find-handlers.js';
import { watchRoutes } from './dashboard/routes/watch-routes.js';
import { warnOnce } from './errors/warnings.js';
import { activeInstrumentations } from './instrumentation/instrumentation-registry.js';
import { type RunningTelemetry } from './runtime/running-telemetry.interface.js';

export interface MountedDashboard {
  /** Called when the application has registered its routes: they are then known, and the page steps back for one on its path. */
  completeRoutes(): void;
  /** Ends live streams, so that the server can close. */
  close(): void;
  /** Takes no more requests. */
  stop(): void;
}

/** Offers the dashboard on an application's own port; undefined where the configuration wants none, or nothing is kept. */
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
  const served = serveDashboard(config.dashboard);
  return {
    completeRoutes: () => {
      watch.stop();
      const { path } = config.dashboard ?? {};
      const taken = watch.routes.find(
        ({ path: route }) => route === path || route.startsWith(`${path ?? ''}/`),
      );
      if (path !== undefined && taken !== undefined) {
        warnOnce(
          `dashboard-path:${path}`,
          `The application has a route on ${taken.path} itself, so the dashboard is not served there. ` +
            'Set dashboard.path to another path, or dashboard to false.',
        );
        served?.stop();
      }
      feed.store.declareRoutes(feed.resource, describeRoutes(watch.routes, findHandlers(modules)));
    },
    close: () => served?.close(),
    stop: () => {
      watch.stop();
      served?.stop();
    },
  };

  function serveDashboard(options: typeof config.dashboard): { close(): void; stop(): void } | undefined {
    if (options === undefined || feed === undefined) return undefined;
    const dashboard = new Dashboard({
      config: options,
      store: feed.store,
      resource: feed.resource,
      instrumentations: activeInstrumentations,
    });
    const release = takeRequests(adapter, options.path, dashboard.serve);
    if (release === undefined) {
      warnOnce(
        'dashboard:adapter',
        `The dashboard cannot be served by an HTTP adapter of the type ${adapter.getType()}: it needs Fastify or Express.`,
      );
      return undefined;
    }
    return {
      close: () => {
        dashboard.close();
      },
      stop: release,
    };
  }
}

import { type ServerResponse } from 'node:http';

import { type AbstractHttpAdapter } from '@nestjs/core';
import { type Resource } from '@opentelemetry/resources';
import { type SpanProcessor } from '@opentelemetry/sdk-trace';

import { keepsTelemetry } from '../config/resolve-config.js';
import { type StoreConfig } from '../config/store.js';
import { type TelemetryConfig } from '../config/telemetry-config.interface.js';
import { type TelemetryOptions } from '../config/telemetry-options.js';
import type * as openDashboardModule from '../dashboard/open-dashboard.js';
import { type OpenDashboard } from '../dashboard/open-dashboard.js';
import { warnOnce } from '../errors/warnings.js';
import { activeInstrumentations } from '../instrumentation/active-instrumentations.js';
import { findMethods } from '../instrumentation/container/find-methods.js';
import { takeRequests } from '../instrumentation/http-server/take-requests.js';
import { watchRoutes } from '../instrumentation/http-server/watch-routes.js';
import { loadedLibraries } from '../instrumentation/loaded-libraries.js';
import { registeredModules } from '../instrumentation/nest/nest-modules.js';
import { type Application, type ApplicationPart } from '../runtime/application.js';
import { readConfigFile } from '../runtime/config-file/read-config-file.js';
import {
  type EmittedRecord,
  type MetricSource,
  type PluginHealth,
  type TelemetryPlugin,
} from '../runtime/telemetry-plugin.js';

/** Spans, log records and calls that are held until the dashboard is loaded; its queues fit as many. */
const MAX_HELD = 20_000;

/**
 * Returns the dashboard of this process; undefined where the configuration keeps nothing for it. No
 * other file of the library imports the dashboard.
 */
export function plugInDashboard(config: TelemetryConfig, resource: Resource): TelemetryPlugin | undefined {
  return config.store && new DashboardPlug(config, config.store, resource);
}

let dashboardModule: typeof openDashboardModule | undefined;

async function loadDashboard(): Promise<typeof openDashboardModule> {
  return (dashboardModule ??= await import('../dashboard/open-dashboard.js'));
}

/**
 * Loads the dashboard if these options keep telemetry for it; undefined where they do not. A module
 * waits for it before NestJS fills the container, so that a start that fails is stored, too. Never
 * rejects: the start reports wrong options.
 */
export function preloadDashboard(options: TelemetryOptions): Promise<void> | undefined {
  if (dashboardModule !== undefined || !seemsToKeepTelemetry(options)) return undefined;
  const ignore = (): void => undefined; // the start tries again and warns
  return loadDashboard().then(ignore, ignore);
}

function seemsToKeepTelemetry(options: TelemetryOptions): boolean {
  try {
    return keepsTelemetry(options, { readConfigFile });
  } catch {
    // The start reports wrong options.
    return false;
  }
}

/** Adds the dashboard to one application; undefined where nothing is kept for it. */
export function attachDashboard(application: Application): ApplicationPart | undefined {
  const { config, runtime } = application;
  if (runtime?.plugin !== undefined) return runtime.plugin.mount(application);
  if (runtime === undefined || config.dashboard === undefined || config.store !== undefined) return undefined;
  if (config.dashboard.clickhouse !== undefined)
    return mountDashboard(application, loadSourceDashboard(config));
  const stop = application.whenAdapterExists(() => {
    warnOnce('dashboard:no-store', 'The dashboard is not served: store: false leaves it nothing to show.');
  });
  return { stop };
}

/** The part of a dashboard that joins applications. */
type MountableDashboard = Pick<OpenDashboard, 'mount'>;

async function loadSourceDashboard(config: TelemetryConfig): Promise<MountableDashboard | undefined> {
  try {
    const { openSourceDashboard } = dashboardModule ?? (await loadDashboard());
    return openSourceDashboard({
      config,
      instrumentations: activeInstrumentations,
      libraries: loadedLibraries,
    });
  } catch (error) {
    warnOnce('dashboard:load', `The dashboard could not be loaded: ${String(error)}.`);
    return undefined;
  }
}

/** The dashboard on the adapter of one application. */
type MountedPage = Required<ApplicationPart>;

/** Joins the dashboard to an application; requests wait until it is loaded. */
function mountDashboard(
  application: Application,
  loaded: Promise<MountableDashboard | undefined>,
): ApplicationPart {
  let mounted: MountedPage | undefined;
  const unsubscribe = application.whenAdapterExists((adapter) => {
    mounted = mountOn(adapter, application, loaded);
  });
  return {
    ready: () => mounted?.ready(),
    close: () => mounted?.close(),
    stop: () => {
      unsubscribe();
      mounted?.stop();
    },
  };
}

function mountOn(
  adapter: AbstractHttpAdapter,
  { config, modules }: Application,
  loaded: Promise<MountableDashboard | undefined>,
): MountedPage {
  const watch = watchRoutes(adapter);
  const stopTaking = takePageRequests(adapter, config, (request, response) => {
    void mounted.then((application) => {
      if (application?.page === undefined) sendUnavailable(response);
      else application.page.serve(request, response);
    });
  });
  const mounted = loaded.then((dashboard) => dashboard?.mount(adapter, modules, stopTaking !== undefined));
  return {
    ready: () => {
      watch.stop();
      void mounted.then((application) => {
        if (application?.completeRoutes(watch.routes) !== true) stopTaking?.();
      });
    },
    close: () => {
      void mounted.then((application) => application?.page?.close());
    },
    stop: () => {
      watch.stop();
      stopTaking?.();
    },
  };
}

/**
 * Takes requests of the dashboard's path; undefined without a page, and where the adapter cannot.
 */
function takePageRequests(
  adapter: AbstractHttpAdapter,
  { dashboard }: TelemetryConfig,
  serve: Parameters<typeof takeRequests>[2],
): (() => void) | undefined {
  if (dashboard === undefined) return undefined;
  const stop = takeRequests(adapter, dashboard.path, serve);
  if (stop === undefined)
    warnOnce(
      'dashboard:adapter',
      `The dashboard cannot be served by an HTTP adapter of the type ${adapter.getType()}: it needs Fastify or Express.`,
    );
  return stop;
}

/** Stands for the dashboard from the start, and holds its input until it is loaded. */
class DashboardPlug implements TelemetryPlugin {
  readonly name = 'the dashboard';
  readonly spans: SpanProcessor;
  private readonly loaded: Promise<OpenDashboard | undefined>;
  private dashboard: OpenDashboard | undefined;
  /** undefined once the dashboard is loaded, or cannot be. */
  private held: ((dashboard: OpenDashboard) => void)[] | undefined = [];
  private lost = 0;

  constructor(
    private readonly config: TelemetryConfig,
    storeConfig: StoreConfig,
    resource: Resource,
  ) {
    this.spans = {
      // Only what starts before the dashboard is loaded is not shown while it runs.
      onStart: (span) => this.dashboard?.pipeline.startSpan(span),
      onEnd: (span) => {
        if (this.dashboard !== undefined) this.dashboard.pipeline.takeSpan(span);
        else
          this.hold(({ pipeline }) => {
            pipeline.takeSpan(span);
          });
      },
      forceFlush: () => this.flush(),
      // The runtime closes the plugin: metrics and log lines may still come.
      shutdown: () => this.flush(),
    };
    this.loaded = this.load(storeConfig, resource);
  }

  health(): PluginHealth {
    const pipeline = this.dashboard?.pipeline;
    if (pipeline !== undefined) return { lost: pipeline.store.dropped, lostAt: pipeline.lostAt, works: true };
    return { lost: this.lost, lostAt: undefined, works: this.held !== undefined };
  }

  takeLog(emitted: EmittedRecord): void {
    if (this.dashboard !== undefined) this.dashboard.pipeline.takeLog(emitted);
    else
      this.hold(({ pipeline }) => {
        pipeline.takeLog(emitted);
      });
  }

  startMetrics(source: MetricSource): void {
    this.hold(({ pipeline }) => {
      pipeline.startMetrics(source);
    });
  }

  async collectMetrics(): Promise<void> {
    await (await this.loaded)?.pipeline.collectMetrics();
  }

  async flush(): Promise<void> {
    await (await this.loaded)?.pipeline.store.flush();
  }

  async stop(): Promise<void> {
    await (await this.loaded)?.stop();
  }

  async close(): Promise<void> {
    await (await this.loaded)?.pipeline.close();
  }

  mount(application: Application): ApplicationPart {
    return mountDashboard(application, this.loaded);
  }

  private hold(deliver: (dashboard: OpenDashboard) => void): void {
    if (this.dashboard !== undefined) deliver(this.dashboard);
    else if (this.held === undefined) return;
    else if (this.held.length < MAX_HELD) this.held.push(deliver);
    else this.lost += 1;
  }

  private async load(storeConfig: StoreConfig, resource: Resource): Promise<OpenDashboard | undefined> {
    try {
      const { openDashboard } = dashboardModule ?? (await loadDashboard());
      const dashboard = openDashboard({
        config: this.config,
        storeConfig,
        resource,
        instrumentations: activeInstrumentations,
        libraries: loadedLibraries,
        findMethods: () => findMethods(registeredModules()),
      });
      if (dashboard !== undefined) this.deliver(dashboard);
      return dashboard;
    } catch (error) {
      warnOnce(
        'dashboard:load',
        `Nothing is stored for the dashboard, it could not be loaded: ${String(error)}.`,
      );
      return undefined;
    } finally {
      this.held = undefined;
    }
  }

  private deliver(dashboard: OpenDashboard): void {
    for (const deliver of this.held ?? []) deliver(dashboard);
    dashboard.pipeline.store.addDropped(this.lost);
    this.dashboard = dashboard;
  }
}

function sendUnavailable(response: ServerResponse): void {
  response.writeHead(503, { 'content-type': 'text/plain' });
  response.end('The dashboard could not be loaded; the log has the reason.');
}

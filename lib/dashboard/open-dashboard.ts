import { type AbstractHttpAdapter } from '@nestjs/core';
import { type Resource } from '@opentelemetry/resources';

import { type StoreConfig } from '../config/store.js';
import { type TelemetryConfig } from '../config/telemetry-config.interface.js';
import { clickHousePartsOf, dashboardPartsOf } from './dashboard.js';
import { type DashboardParts } from './dashboard-context.interface.js';
import { startHealthReports } from './feed/report-health.js';
import { startStoreMetrics } from './feed/store-health.js';
import { StorePipeline } from './feed/store-pipeline.js';
import { type MountedPage, mountPage } from './mount/mount-page.js';
import { answerCommands } from './profiling/answer-commands.js';
import { ProfileBudget } from './profiling/profile-budget.js';
import { type ProcessReport } from './reader/answers/processes.interface.js';
import {
  describeRoutes,
  findHandlers,
  type ModulesLike,
  type RegisteredRoute,
} from './routes/describe-routes.js';
import { publishSources, sourceLinksEnabled, type WrittenMethod } from './sources/publish-sources.js';
import { openStore } from './sqlite/store.js';

/** What the process passes to its dashboard, which imports no instrumentation. */
export interface DashboardSetup extends Pick<DashboardParts, 'instrumentations' | 'libraries'> {
  readonly config: TelemetryConfig;
  readonly storeConfig: StoreConfig;
  readonly resource: Resource;
  /** Lists the methods that have spans. */
  findMethods(): readonly WrittenMethod[];
}

/** One HTTP application that the dashboard has joined. */
export interface MountedApplication {
  /** undefined where the page is not served. */
  readonly page: MountedPage | undefined;
  /** Called with the routes when they are registered; returns false where one of them has the path of the page. */
  completeRoutes(routes: readonly RegisteredRoute[]): boolean;
}

/** The dashboard of this process: what it stores, and the page that shows it. */
export class OpenDashboard {
  readonly pipeline: StorePipeline;
  private readonly profileBudget = new ProfileBudget();
  private readonly stoppers: (() => void)[] = [];

  constructor(
    private readonly setup: DashboardSetup,
    pipeline: StorePipeline,
  ) {
    this.pipeline = pipeline;
    const { config, libraries } = setup;
    const { store, resource } = pipeline;
    const profiling = profilingOf(config);
    this.stoppers.push(startHealthReports(store, resource, libraries, { profiling }));
    if (profiling.refused === undefined) {
      const { commands } = store;
      const listen = commands.listen.bind(commands, resource);
      this.stoppers.push(answerCommands({ commands, listen }, this.profileBudget));
    }
    if (config.instrumentation.sdkMetrics) this.stoppers.push(startStoreMetrics(pipeline.store));
    if (sourceLinksEnabled(config)) this.stoppers.push(publishSources(pipeline, () => setup.findMethods()));
  }

  /**
   * Joins an application: shows its routes, and serves the page on its port.
   *
   * @param takesRequests whether requests of the dashboard's path can be taken from the adapter
   */
  mount(adapter: AbstractHttpAdapter, modules: ModulesLike, takesRequests: boolean): MountedApplication {
    const { config, instrumentations, libraries } = this.setup;
    const { store, running, resource } = this.pipeline;
    const { dashboard } = config;
    const page =
      takesRequests && dashboard !== undefined
        ? mountPage(
            dashboard,
            config,
            {
              ...(dashboard.clickhouse === undefined
                ? dashboardPartsOf(store)
                : clickHousePartsOf(dashboard.clickhouse)),
              running: () => running.list(resource.service),
              process: { service: resource.service, instance: resource.instance },
              profileBudget: this.profileBudget,
              instrumentations,
              libraries,
            },
            adapter,
          )
        : undefined;
    return {
      page,
      completeRoutes: (routes) => {
        this.pipeline.declareRoutes(describeRoutes(routes, findHandlers(modules)));
        return page?.completeRoutes(routes) ?? true;
      },
    };
  }

  /** Collects metrics once more and ends what it does by itself; the meter provider still runs. Never rejects. */
  async stop(): Promise<void> {
    for (const stop of this.stoppers.splice(0)) stop();
    await this.pipeline.stopMetrics();
  }
}

const PROFILING_OFF =
  'dashboard.profiling or TELEMETRY_DASHBOARD_PROFILING is false there, as it is by default in production.';

/** Whether pages of other processes of the store may ask this one for CPU profiles. */
function profilingOf({ dashboard }: TelemetryConfig): NonNullable<ProcessReport['profiling']> {
  if (dashboard === undefined) return { refused: 'its dashboard is off, and dashboard.profiling with it.' };
  return dashboard.profiling ? {} : { refused: PROFILING_OFF };
}

/** A dashboard that shows another database, in a process that stores nothing. */
export function openSourceDashboard({
  config,
  instrumentations,
  libraries,
}: Pick<DashboardSetup, 'config' | 'instrumentations' | 'libraries'>): Pick<OpenDashboard, 'mount'> {
  return {
    mount: (adapter, _modules, takesRequests) => {
      const { dashboard } = config;
      const parts = dashboard?.clickhouse && clickHousePartsOf(dashboard.clickhouse);
      const page =
        takesRequests && dashboard !== undefined && parts !== undefined
          ? mountPage(
              dashboard,
              config,
              { ...parts, running: () => [], process: undefined, instrumentations, libraries },
              adapter,
            )
          : undefined;
      return { page, completeRoutes: (routes) => page?.completeRoutes(routes) ?? true };
    },
  };
}

/** Opens the store and what feeds it; undefined where this Node has no SQLite, which is warned about. */
export function openDashboard(setup: DashboardSetup): OpenDashboard | undefined {
  const store = openStore(setup.storeConfig);
  return store && new OpenDashboard(setup, new StorePipeline(store, setup.resource));
}

import { type HealthAnswer } from './panels/health/query.js';
import { type DashboardConfig } from '../config/telemetry-config.interface.js';
import { type StoredResource } from './sqlite/rows.interface.js';
import { type TelemetryStore } from './sqlite/store.js';

/** What the dashboard shows, and of whom. */
export interface DashboardParts {
  readonly config: DashboardConfig;
  /** What visitors must send; undefined where nothing is needed. */
  readonly token: string | undefined;
  readonly store: TelemetryStore;
  /** The application that serves the page. */
  readonly resource: StoredResource;
  /** Names of what creates spans by itself. */
  instrumentations(): readonly string[];
  /** The client libraries that are loaded, and whether their calls are recorded. */
  libraries(): HealthAnswer['libraries'];
}

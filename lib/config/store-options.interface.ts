/** The embedded database that the dashboard shows, and how much it keeps. */
export interface StoreOptions {
  /**
   * Whether telemetry is kept. Default: true where the dashboard is served, in `development`, and
   * in every environment where another setting of the store is given. Env `TELEMETRY_STORE`.
   */
  enabled?: boolean;
  /**
   * SQLite file, from the working directory, or `:memory:`. Several services of one machine may share one: then they are one system.
   * Default `.telemetry/telemetry.db`, in tests `:memory:`. Env `TELEMETRY_STORE_FILE`.
   */
  file?: string;
  /** Hours after which telemetry is deleted. Default 24. */
  maxAgeHours?: number;
  /** Size of the database in bytes, without its journal. Default 268435456 (256 MiB). */
  maxBytes?: number;
  /** Default 500000. */
  maxSpans?: number;
  /** Log lines. Default 500000. */
  maxLogs?: number;
  /** Values of metrics. Default 1000000. */
  maxPoints?: number;
}

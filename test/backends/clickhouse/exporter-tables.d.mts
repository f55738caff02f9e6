export type TableName =
  | 'otel_traces'
  | 'otel_traces_trace_id_ts'
  | 'otel_logs'
  | 'otel_metrics_gauge'
  | 'otel_metrics_sum'
  | 'otel_metrics_histogram'
  | 'otel_metrics_exponential_histogram';

/** Tables of the Collector's exporter, by the file that has its statement. */
export declare const TABLES: Readonly<Record<TableName, string>>;

/** The exporter's own statements that make its tables in a database. @param folder what scripts/prepare/find-backends.mjs found */
export declare function exporterStatements(folder: string, database: string): string[];

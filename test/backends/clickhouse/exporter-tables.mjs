import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Tables of the Collector's exporter, by the file that has its statement. */
export const TABLES = {
  otel_traces: 'traces_table.sql',
  otel_traces_trace_id_ts: 'traces_id_ts_lookup_table.sql',
  otel_logs: 'logs_table.sql',
  otel_metrics_gauge: 'metrics_gauge_table.sql',
  otel_metrics_sum: 'metrics_sum_table.sql',
  otel_metrics_histogram: 'metrics_histogram_table.sql',
  otel_metrics_exponential_histogram: 'metrics_exp_histogram_table.sql',
};

/** The exporter's own statements that make its tables in a database. @param folder what scripts/prepare/find-backends.mjs found */
export function exporterStatements(folder, database) {
  return [
    ...Object.entries(TABLES).map(([table, file]) => statementOf(folder, file, database, table)),
    statementOf(folder, 'traces_id_ts_lookup_mv.sql', database, 'otel_traces'),
  ];
}

/** A statement with what the exporter fills in: names in their order, engine, no cluster, no deletion by age. */
function statementOf(folder, file, database, table) {
  const text = readFileSync(join(folder, 'tables', file), 'utf8');
  if (text.includes('{{')) {
    const fields = {
      'ident .Database': database,
      'ident .TableName': table,
      '.ClusterString': '',
      '.Engine': 'MergeTree()',
      '.TTL': '',
    };
    return text
      .replace(/\{\{-? *if .HasFullTextSearch *-?\}\}.*?\{\{-? *else *-?\}\}(.*?)\{\{-? *end *-?\}\}/s, '$1')
      .replace(/\{\{(.*?)\}\}/g, (whole, name) => fields[name] ?? whole);
  }
  if (file === 'traces_id_ts_lookup_mv.sql') {
    const names = [database, table, '', database, table, database, table];
    return text.replace(/%s/g, () => names.shift() ?? '');
  }
  // "database"."table" cluster, then the engine and the deletion by age.
  const base = file === 'traces_id_ts_lookup_table.sql' ? table.replace(/_trace_id_ts$/, '') : table;
  const names = [database, base, '', 'MergeTree()', ''];
  return text.replace(/%q|%s/g, (verb) => {
    const name = names.shift() ?? '';
    return verb === '%q' ? `"${name}"` : name;
  });
}

// Makes the fleet inside the engine, an hour of it at a time.

import { exporterStatements } from '../../test/backends/clickhouse/exporter-tables.mjs';
import { engineFolder } from './engine.mjs';
import { beginOf, hours, insertLogs, insertSpans } from './fleet.mjs';

export const DATABASE = 'otel';

/** Fills empty tables with about so many spans; the last hour of them is before `endMs`. */
export async function load(engine, { spans, endMs }) {
  await engine.run(`CREATE DATABASE ${DATABASE}`);
  for (const statement of exporterStatements(engineFolder(), DATABASE)) await engine.run(statement);
  const beginNs = beginOf(spans, endMs);
  const begun = performance.now();
  for (const { first, traces } of hours(spans)) {
    await engine.run(insertSpans(DATABASE, first, traces, beginNs));
    await engine.run(insertLogs(DATABASE, first, traces, beginNs));
    if ((first / traces) % 10 === 9)
      console.log(`${first / traces + 1} hours after ${((performance.now() - begun) / 1_000).toFixed(0)} s`);
  }
  console.log(`loaded in ${((performance.now() - begun) / 1_000).toFixed(0)} s`);
}

/** Rows, bytes on disk and without compression of each table. */
export function sizes({ rows }) {
  return rows(`SELECT table, sum(rows) AS rows, sum(bytes_on_disk) AS bytes, sum(data_uncompressed_bytes) AS plain, count() AS parts
    FROM system.parts WHERE database = '${DATABASE}' AND active GROUP BY table ORDER BY table`);
}

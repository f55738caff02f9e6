// The questions of the page, as the page asks them.

const HOUR_MS = 3_600_000;

/** What the questions need to know of the data: the end of it, a trace, an error, a route. */
export async function lookAround(engine, database) {
  const traces = `${database}.otel_traces`;
  const [{ end }] = await engine.rows(`SELECT toUnixTimestamp64Milli(max(Timestamp)) AS end FROM ${traces}`);
  const to = Math.ceil(Number(end) / 60_000) * 60_000;
  const recent = `Timestamp >= fromUnixTimestamp64Milli(${to - HOUR_MS})`;
  const [{ traceId }] = await engine.rows(
    `SELECT TraceId AS traceId FROM ${traces} WHERE ${recent} GROUP BY TraceId HAVING count() = 30 ORDER BY cityHash64(TraceId) LIMIT 1`,
  );
  const [{ orderId }] = await engine.rows(
    `SELECT SpanAttributes['order.id'] AS orderId FROM ${traces} WHERE ${recent} AND SpanAttributes['order.id'] != '' ORDER BY cityHash64(TraceId) LIMIT 1`,
  );
  return { to, traceId, orderId };
}

/** By name: what is asked of a reader. */
export function questionsOf({ to, traceId, orderId }) {
  const hour = { from: to - HOUR_MS, to };
  const day = { from: to - 24 * HOUR_MS, to };
  const attribute = (key, value) => [{ key, value }];
  return {
    'services, 1 h': (reader) => reader.services(hour),
    'overview, 1 h': (reader) => reader.overview({ ...hour, buckets: 120 }),
    'overview, 24 h': (reader) => reader.overview({ ...day, buckets: 120 }),
    'overview of a service, 24 h': (reader) =>
      reader.overview({ ...day, buckets: 120, service: 'catalog-api' }),
    'routes, 1 h': (reader) => reader.routes(hour),
    'routes, 24 h': (reader) => reader.routes(day),
    'trends, 1 h': (reader) => reader.trends({ ...hour, buckets: 30, recentFrom: to - HOUR_MS / 6 }),
    versions: (reader) => reader.routeVersions({}),
    'starts, 1 h': (reader) => reader.starts(hour),
    'errors, 1 h': (reader) => reader.errors({ ...hour, buckets: 60 }),
    'durations, 1 h': (reader) => reader.durations({ ...hour, bars: 60 }),
    'one trace of 30 spans': (reader) => reader.trace(traceId),
    'newest traces': (reader) => reader.traces({ ...hour, limit: 50 }),
    'failed traces, 1 h': (reader) => reader.traces({ ...hour, status: 'error', limit: 50 }),
    'traces by a rare attribute, 1 h': (reader) =>
      reader.traces({ ...hour, attributes: attribute('order.id', orderId) }),
    'traces by a frequent attribute, 1 h': (reader) =>
      reader.traces({ ...hour, attributes: attribute('tenant', 'tenant-3') }),
    'traces by a missing text, 1 h': (reader) => reader.traces({ ...hour, text: 'nowhere' }),
    'newest log lines': (reader) => reader.logs({ ...hour, limit: 100 }),
    'log lines by a missing word, 1 h': (reader) => reader.logs({ ...hour, text: 'nowhere' }),
    'log volume, 1 h': (reader) => reader.logVolume({ ...hour, buckets: 60 }),
    'operations, 1 h': (reader) => reader.operations(hour),
    'service map, 1 h': (reader) => reader.serviceMap(hour),
    'a region, 30 min': (reader) =>
      reader.selection({ from: to - HOUR_MS / 2, to, service: 'catalog-api', minMs: 200 }),
    health: (reader) => reader.health(),
  };
}

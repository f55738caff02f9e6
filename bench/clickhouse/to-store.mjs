// The same fleet in the embedded store: what the engine keeps is read in the order of time, and added as a receiver of telemetry adds it.
import { load as loadStore, NO_BOUND } from '../store-parts.mjs';

const { openStore } = await loadStore('store');
const { readAttributes } = await import(
  new URL('../../dist/modules/dashboard/clickhouse/columns.js', import.meta.url)
);

const KINDS = { Internal: 0, Server: 1, Client: 2, Producer: 3, Consumer: 4 };
const STATUS = { Unset: 0, Ok: 1, Error: 2 };
const PINO_LEVELS = { 1: 10, 5: 20, 9: 30, 13: 40, 17: 50, 21: 60 };
/** Rows are read so many milliseconds of telemetry at a time. */
const PART_MS = 60_000;

const json = (texts) => JSON.stringify(readAttributes(texts));

/** Gives the same object for all rows of a process. */
function rememberResources() {
  const known = new Map();
  return (texts) => {
    const attributes = json(texts);
    if (!known.has(attributes))
      known.set(attributes, {
        service: texts['service.name'],
        version: texts['service.version'],
        environment: texts['deployment.environment.name'],
        instance: texts['service.instance.id'],
        attributes,
      });
    return known.get(attributes);
  };
}

const half = (id, from) => (id === '' ? 0 : Number.parseInt(id.slice(from, from + 8), 16));

function toSpan(row, resource) {
  const { attributes } = row;
  const isEntry = row.kind === 'Server';
  return {
    resource,
    scope: row.scope,
    traceId: row.traceId,
    idHigh: half(row.spanId, 0),
    idLow: half(row.spanId, 8),
    parentHigh: half(row.parentId, 0),
    parentLow: half(row.parentId, 8),
    name: row.name,
    kind: KINDS[row.kind],
    start: row.start,
    duration: row.duration,
    status: STATUS[row.status],
    statusMessage: row.statusMessage || undefined,
    attributes: json(attributes),
    events:
      row.eventNames.length === 0
        ? undefined
        : JSON.stringify(
            row.eventNames.map((name, index) => ({
              name,
              time: row.eventTimes[index] / 1_000,
              attributes: readAttributes(row.eventAttributes[index]),
            })),
          ),
    links: undefined,
    method: isEntry ? attributes['http.request.method'] : undefined,
    route: isEntry ? attributes['http.route'] : undefined,
    outcome: isEntry ? attributes['http.response.status_code'] : undefined,
    weight: row.weight === 1 ? undefined : row.weight,
  };
}

function toLog(row, resource) {
  return {
    resource,
    time: row.time,
    level: PINO_LEVELS[row.severity],
    context: row.context,
    traceId: row.traceId,
    spanId: row.spanId,
    message: row.message,
    attributes: json(row.attributes),
  };
}

const spansOf = (
  database,
  from,
  to,
) => `SELECT ResourceAttributes AS resource, ScopeName AS scope, TraceId AS traceId, SpanId AS spanId,
    ParentSpanId AS parentId, SpanName AS name, SpanKind AS kind, toUnixTimestamp64Micro(Timestamp) AS start, intDiv(Duration, 1000) AS duration,
    StatusCode AS status, StatusMessage AS statusMessage, SpanAttributes AS attributes, Events.Name AS eventNames,
    arrayMap(time -> toUnixTimestamp64Micro(time), Events.Timestamp) AS eventTimes, Events.Attributes AS eventAttributes,
    if(TraceState = 'ot=th:c', 4, 1) AS weight
  FROM ${database}.otel_traces WHERE Timestamp >= fromUnixTimestamp64Milli(${from}) AND Timestamp < fromUnixTimestamp64Milli(${to})
  ORDER BY Timestamp + toIntervalNanosecond(Duration)`;

const logsOf = (
  database,
  from,
  to,
) => `SELECT ResourceAttributes AS resource, toUnixTimestamp64Milli(Timestamp) AS time, SeverityNumber AS severity,
    ScopeName AS context, TraceId AS traceId, SpanId AS spanId, Body AS message, LogAttributes AS attributes
  FROM ${database}.otel_logs WHERE Timestamp >= fromUnixTimestamp64Milli(${from}) AND Timestamp < fromUnixTimestamp64Milli(${to}) ORDER BY Timestamp`;

/** Copies all that the engine keeps. Resolves with the store, whose clock stands at the end of the fleet. */
export async function copyToStore(engine, database, file) {
  const [{ first, last }] = await engine.rows(
    `SELECT toUnixTimestamp64Milli(min(Timestamp)) AS first, toUnixTimestamp64Milli(max(Timestamp)) AS last FROM ${database}.otel_traces`,
  );
  const store = openStore({ file, ...NO_BOUND, maxBytes: 2 ** 40 });
  const resourceOf = rememberResources();
  let spans = 0;
  for (let from = Number(first); from <= Number(last) + 120_000; from += PART_MS) {
    const to = from + PART_MS;
    // Each sum is written as long as its time lasts, as in a process that runs.
    Date.now = () => to;
    const rows = await engine.rows(spansOf(database, from, to));
    for (const row of rows) {
      store.addSpan(toSpan(row, resourceOf(row.resource)));
      spans += 1;
      if (spans % 1_000 === 0) await store.flush();
    }
    for (const row of await engine.rows(logsOf(database, from, to)))
      store.addLog(toLog(row, resourceOf(row.resource)));
    await store.flush();
  }
  return { store, spans };
}

// The SQL that makes a fleet inside the engine, in the tables of the Collector's exporter: 200 services with 25 routes each, a few of
// which have most of the traffic; traces of 1 to 30 spans that go through up to seven services; statements, calls, errors with
// stacks, versions, hosts, and a third as many log lines. Everything follows from the number of a trace by hash functions: two runs
// make the same rows.

export const SERVICES = 200;
export const ROUTES = 25;
/** Services that one service calls, at most. */
const CALLEES = 6;
/** Spans of an hour, about: more spans are more hours. */
export const HOUR_SPANS = 1_000_000;
/** About ten spans a trace. */
const HOUR_TRACES = 100_000;
const HOUR_NS = 3_600_000_000_000n;

/** How many hours hold so many spans. */
export const hoursOf = (spans) => Math.max(1, Math.round(spans / HOUR_SPANS));

const hash = (...parts) => `cityHash64(${parts.join(', ')})`;
/** From 0 to 1, 1 excluded. */
const unit = (...parts) => `(${hash(...parts)} % 1000003 / 1000003)`;
/** From 0 to `count` - 1; the lower, the more often, as Zipf found it. */
const skewed = (count, ...parts) => `toUInt16(floor(exp(${unit(...parts)} * ln(${count + 1}))) - 1)`;
const hex8 = (...parts) => `lower(hex(reinterpretAsFixedString(${hash(...parts)})))`;
const pick = (words, index) =>
  `[${words.map((word) => `'${word}'`).join(', ')}][${index} % ${words.length} + 1]`;
const mapOf = (pairs) =>
  `CAST(map(${Object.entries(pairs)
    .flatMap(([key, value]) => [`'${key}'`, value])
    .join(', ')}), 'Map(LowCardinality(String), String)')`;

const AREAS = [
  'orders',
  'payments',
  'catalog',
  'search',
  'users',
  'carts',
  'stock',
  'shipping',
  'billing',
  'reviews',
];
const AREAS_2 = [
  'prices',
  'media',
  'mail',
  'auth',
  'offers',
  'reports',
  'partners',
  'tax',
  'returns',
  'loyalty',
];
const PARTS = ['api', 'core', 'worker', 'gateway', 'index', 'sync', 'store', 'rules', 'feed', 'audit'];
const ENDS = [
  '',
  '/:id',
  '/:id/items',
  '/search',
  '/:id/history',
  '/export',
  '/batch',
  '/:id/notes',
  '/recent',
  '/:id/state',
];
const METHODS = ['GET', 'GET', 'GET', 'POST', 'GET', 'PUT', 'GET', 'DELETE', 'GET', 'PATCH'];
const ALL_AREAS = [...AREAS, ...AREAS_2];

const serviceName = (service) =>
  `concat(${pick(ALL_AREAS, service)}, '-', ${pick(PARTS, `intDiv(${service}, 20)`)})`;
const routeOf = (service, route) =>
  `concat('/', ${pick(ALL_AREAS, service)}, ${pick(ENDS, route)}, if(${route} < 10, '', concat('/v', toString(intDiv(${route}, 10) + 1))))`;
const methodOf = (route) => pick(METHODS, route);

/** What all tables need of a trace and one of its spans. */
function base(first, traces, beginNs) {
  const step = HOUR_NS / BigInt(HOUR_TRACES);
  return `SELECT *,
      intDiv(i, 5) AS block, i % 5 AS place, if(place <= 2, block, block + 1) AS hop,
      path[hop + 1] AS service, ${skewed(ROUTES, 't', 'hop', 12)} AS route,
      path[block + 2] AS callee, ${skewed(ROUTES, 't', 'block + 1', 12)} AS calleeRoute, path[1] AS s0, ${skewed(ROUTES, 't', '0', 12)} AS r0,
      ${serviceName('service')} AS serviceText, ${methodOf('route')} AS method, ${routeOf('service', 'route')} AS routeText,
      ${hash('t', 'service', 14)} % 3 AS instance,
      ${hash('service', 'instance')} AS instanceHash,
      place = 3 OR i = 0 AS isServer,
      if(n >= 4, intDiv(n - 4, 5) * 5 + 3, 0) AS lastServer,
      ${unit('t', 5)} < 0.003 + if(${hash('s0', 'r0', 15)} % 40 = 0, 0.08, 0) AS traceFails,
      traceFails AND (isServer OR place = 2) AND i <= lastServer AS callFails,
      NOT callFails AND place = 0 AND block > 0 AND ${unit('t', 'i', 6)} < 0.001 AS workFails,
      callFails AND i = lastServer OR workFails AS throws,
      toUInt64(1000000 * 2 * exp(${unit('s0', 'r0', 16)} * 5) * pow(-ln(${unit('t', 17)} + 0.0000005), 1.3) + 200000) AS rootNs,
      toUInt64(multiIf(i = 0, rootNs, place = 1, rootNs * (0.02 + 0.1 * ${unit('t', 'i', 18)}) * (1 - i / (n + 1)),
        place = 4, rootNs * (0.1 + 0.5 * ${unit('t', 'i', 18)}) * (1 - i / (n + 1)), rootNs * (1 - i / (n + 1)) * 0.9)) AS durationNs,
      ${beginNs} + t * ${step} + ${hash('t', 19)} % ${step} + toUInt64(rootNs * 0.9 * i / (n + 1)) AS startNs,
      lower(hex(sipHash128(t, 'trace'))) AS traceId, ${hex8('t', 'i', 20)} AS spanId,
      toString(${hash('t', 21)} % 100000) AS customer, concat('tenant-', toString(${skewed(500, 't', 22)})) AS tenant
    FROM (SELECT *, arrayJoin(range(n)) AS i FROM (
      SELECT number AS t, toUInt8(1 + floor(30 * pow(${unit('number', 1)}, 2.2))) AS n,
        arrayFold((path, hop) -> arrayPushBack(path, ${skewed(SERVICES, 'path[-1]', `${hash('number', 'hop', 13)} % ${CALLEES}`)}),
          range(7), [${skewed(SERVICES, 'number', 11)}]) AS path
      FROM numbers_mt(${first}, ${traces})
    ))`;
}

const RESOURCE = mapOf({
  'service.name': 'serviceText',
  'service.namespace': "'shop'",
  // A deploy of each service in every 40 hours.
  'service.version': `concat('2.', toString(intDiv(t + ${hash('service', 23)} % 4000000, 4000000)), '.0')`,
  'service.instance.id': "concat(serviceText, '-', lower(hex(instanceHash)))",
  'deployment.environment.name': "'production'",
  'host.name': "concat('node-', toString(instanceHash % 120))",
  'k8s.namespace.name': "'shop'",
  'k8s.pod.name': "concat(serviceText, '-', lower(hex(instanceHash % 65536)))",
  'k8s.node.name': "concat('node-', toString(instanceHash % 120))",
  'process.pid': "'1'",
  'process.runtime.name': "'nodejs'",
  'process.runtime.version': "'24.9.0'",
  'telemetry.sdk.language': "'nodejs'",
  'telemetry.sdk.name': "'opentelemetry'",
  'telemetry.sdk.version': "'2.9.0'",
});

const calleePath = routeOf('callee', 'calleeRoute');
const SERVER = mapOf({
  'http.request.method': 'method',
  'http.route': 'routeText',
  'url.path': `replace(routeText, ':id', toString(${hash('t', 'i', 24)} % 1000000))`,
  'url.scheme': "'https'",
  'server.address': "concat(serviceText, '.shop.internal')",
  'client.address': `concat('10.', toString(${hash('t', 25)} % 200), '.', toString(${hash('t', 26)} % 250), '.7')`,
  'user_agent.original': pick(
    [
      'Mozilla/5.0 (X11; Linux x86_64) Firefox/142.0',
      'Mozilla/5.0 (iPhone; CPU iPhone OS 26_0)',
      'node',
      'okhttp/5.1.0',
    ],
    hash('t', 27),
  ),
  'http.response.status_code': "if(callFails, '500', if(method = 'POST', '201', '200'))",
  'user.hash': 'lower(hex(cityHash64(customer)))',
  tenant: 'tenant',
  'code.function.name': `concat(${pick(['Orders', 'Items', 'Search', 'Account'], 'service')}, 'Controller.', lower(method), toString(route))`,
});
const STATEMENT = mapOf({
  'db.system.name': "'postgresql'",
  'db.namespace': 'serviceText',
  'db.operation.name': "'SELECT'",
  'db.collection.name': pick(ALL_AREAS, 'service'),
  'db.query.summary': `concat('SELECT ', ${pick(ALL_AREAS, 'service')}, '_', toString(route))`,
  'db.query.text': `concat('SELECT id, state, total, created_at FROM ', ${pick(ALL_AREAS, 'service')}, '_', toString(route),
    ' WHERE customer_id = $1 AND state <> $2 ORDER BY created_at DESC LIMIT 20')`,
  'server.address': "'db.shop.internal'",
  'server.port': "'5432'",
});
const CALL = mapOf({
  'http.request.method': methodOf('calleeRoute'),
  'url.full': `concat('https://', ${serviceName('callee')}, '.shop.internal', replace(${calleePath}, ':id', toString(${hash('t', 'i', 24)} % 1000000)))`,
  'server.address': `concat(${serviceName('callee')}, '.shop.internal')`,
  'http.response.status_code': "if(callFails, '500', '200')",
});
const WORK = mapOf({
  'code.function.name': `concat(${pick(['Orders', 'Items', 'Search', 'Account'], 'service')}, 'Service.step', toString(route))`,
  'order.id': `toString(${hash('t', 28)} % 5000000)`,
});

const fingerprint = "lower(hex(cityHash64(service, route, 'exception')))";
const errorType = pick(
  ['TypeError', 'TimeoutError', 'QueryFailedError', 'ConflictException'],
  `${hash('service', 'route')}`,
);
const message = `concat(${pick(
  [
    'Cannot read the price of item ',
    'No answer in time for order ',
    'Row is locked: ',
    'State was changed: ',
  ],
  hash('service', 'route'),
)}, toString(${hash('t', 29)} % 100000))`;
const stack = `concat(${errorType}, ': failed\\n', arrayStringConcat(arrayMap(
  line -> concat('    at ', ${pick(ALL_AREAS, 'service + line')}, 'Service.step', toString(line), ' (/srv/', serviceText, '/dist/modules/', ${pick(ALL_AREAS, 'service')}, '/part-', toString(route), '.js:', toString(10 + line * 7), ':13)'), range(12)), '\\n'))`;
const EXCEPTION = mapOf({
  'exception.type': errorType,
  'exception.message': message,
  'exception.stacktrace': stack,
  'exception.fingerprint': fingerprint,
});

/** Traces that one thread makes at once. */
const IN_PARTS = 'SETTINGS max_block_size = 5000';

/** Spans of a part of the traces. @param beginNs when the first trace of all begins */
export function insertSpans(database, first, traces, beginNs) {
  return `INSERT INTO ${database}.otel_traces (Timestamp, TraceId, SpanId, ParentSpanId, TraceState, SpanName, SpanKind, ServiceName,
      ResourceAttributes, ScopeName, ScopeVersion, SpanAttributes, Duration, StatusCode, StatusMessage, Events.Timestamp, Events.Name, Events.Attributes)
    SELECT fromUnixTimestamp64Nano(toInt64(startNs)), traceId, spanId,
      multiIf(i = 0, '', place = 0, ${hex8('t', 'i - 2', 20)}, place = 1 OR place = 4, ${hex8('t', 'i - 1', 20)}, place = 2, ${hex8('t', 'i - 2', 20)}, ${hex8('t', 'i - 1', 20)}),
      if(s0 % 10 = 7, 'ot=th:c', ''),
      multiIf(isServer, concat(method, ' ', routeText), place = 2, ${methodOf('calleeRoute')},
        place = 0, concat(${pick(['Orders', 'Items', 'Search', 'Account'], 'service')}, 'Service.step', toString(route)),
        concat('SELECT ', ${pick(ALL_AREAS, 'service')}, '_', toString(route))),
      multiIf(isServer, 'Server', place = 0, 'Internal', 'Client'), serviceText, ${RESOURCE},
      multiIf(isServer, '@nestjs/http', place = 0, '@nestjs/provider', place = 2, 'undici', 'pg'), '1.0.0',
      multiIf(isServer, ${SERVER}, place = 0, ${WORK}, place = 2, ${CALL}, ${STATEMENT}),
      durationNs, if(callFails OR workFails, 'Error', 'Unset'), if(throws, ${message}, ''),
      if(throws, [fromUnixTimestamp64Nano(toInt64(startNs + durationNs))], []), if(throws, ['exception'], []), if(throws, [${EXCEPTION}], [])
    FROM (${base(first, traces, beginNs)}) ${IN_PARTS}`;
}

/** Log lines of the same traces: one for a third of the spans. */
export function insertLogs(database, first, traces, beginNs) {
  const level = `multiIf(callFails OR workFails, 17, ${unit('t', 'i', 31)} < 0.05, 13, 9)`;
  return `INSERT INTO ${database}.otel_logs (Timestamp, TraceId, SpanId, TraceFlags, SeverityText, SeverityNumber, ServiceName, Body,
      ResourceAttributes, ScopeName, LogAttributes)
    SELECT fromUnixTimestamp64Nano(toInt64(startNs + intDiv(durationNs, 2))), traceId, spanId, 1,
      multiIf(${level} = 17, 'error', ${level} = 13, 'warn', 'info'), ${level}, serviceText,
      concat(${pick(
        [
          'order read',
          'price changed',
          'cache filled',
          'request answered',
          'mail queued',
          'token renewed',
          'item reserved',
          'page built',
        ],
        hash('t', 'i', 32),
      )}, ' for customer ', customer, ' in ', toString(durationNs % 9000), ' us'),
      ${RESOURCE}, concat(${pick(['Orders', 'Items', 'Search', 'Account'], 'service')}, 'Service'),
      if(throws, ${mapOf({ 'exception.type': errorType, 'exception.message': message, 'exception.fingerprint': fingerprint })},
        ${mapOf({ 'order.id': `toString(${hash('t', 28)} % 5000000)`, tenant: 'tenant', durationMs: 'toString(intDiv(durationNs, 1000000))' })})
    FROM (${base(first, traces, beginNs)}) WHERE ${hash('t', 'i', 30)} % 3 = 0 ${IN_PARTS}`;
}

/** Parts of the load, one hour each: the numbers of their traces. */
export function hours(spans) {
  return Array.from({ length: hoursOf(spans) }, (_, hour) => ({
    first: hour * HOUR_TRACES,
    traces: HOUR_TRACES,
  }));
}

/** When the first trace begins, in nanoseconds, so that the last one begins before `endMs`. */
export function beginOf(spans, endMs) {
  return BigInt(endMs) * 1_000_000n - BigInt(hoursOf(spans)) * HOUR_NS;
}

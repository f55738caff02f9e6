import { validateOptions } from '../../lib/config/resolve-config.js';
import { optionNames } from '../../lib/config/telemetry-options.js';
import { type TelemetryOptions } from '../../lib/config/telemetry-options.js';
import { INSTRUMENTATIONS } from '../../lib/instrumentation/registry.js';

const OPTION_NAMES = optionNames(INSTRUMENTATIONS);

const problemsOf = (options: unknown) =>
  validateOptions(options as TelemetryOptions, 'forRoot()', INSTRUMENTATIONS).map(
    ({ name, received, remedy }) => ({
      name,
      received,
      remedy,
    }),
  );

const RATIO = 'Write a number from 0 to 1, for example 0.1 for one trace in ten.';
const RATIO_OF_RULE = 'Write a ratio: a number from 0 to 1, for example 0.1 for one trace in ten.';
const RULE = 'Write an object, for example { route: "/health", ratio: 0 }.';
const RULES = 'Write an array of rules, for example [{ route: "/health", ratio: 0 }].';
const ROWS = 'Write a whole number of at least 100.';
const FLAG = 'Write true or false, without quotes.';
const OTLP = 'http://localhost:4318 or localhost:4317';
const JAEGER = 'localhost:6831 or http://localhost:4318';
const SAMPLERS =
  'always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off, parentbased_traceidratio';

class Guard {
  canActivate(): boolean {
    return true;
  }
}

type Row = [name: string, options: object, received: string, remedy: string];

/** A value with the form in which the error shows it; plain values are shown as JSON. */
class Shown {
  constructor(
    readonly value: unknown,
    readonly received: string,
  ) {}
}

const shown = (value: unknown, received: string): Shown => new Shown(value, received);

/** Rows for one option, by its dotted name: each of these values has that remedy. */
function wrong(name: string, remedy: string, ...values: unknown[]): Row[] {
  return values.map((given) => {
    const { value, received } = given instanceof Shown ? given : shown(given, show(given));
    const options = name.split('.').reduceRight<unknown>((inner, key) => ({ [key]: inner }), value);
    return [name, options as object, received, remedy];
  });
}

const show = (value: unknown): string => (Number.isNaN(value) ? 'NaN' : JSON.stringify(value));

/** Option that is wrong, options, how the value is shown, remedy. */
const WRONG: Row[] = [
  ...wrong('enabled', FLAG, 'false'),
  ...wrong('engine', 'Write one of fast, sdk.', 'native'),
  ...wrong('startCheck', FLAG, 'no'),
  ...wrong('serviceName', 'Write a name as a text that is not empty, or leave the option out.', ''),
  ...wrong('serviceVersion', 'Write a version as a text that is not empty, or leave the option out.', 1),
  ...wrong('environment', 'Write a name as a text that is not empty, or leave the option out.', null),
  ...wrong('resourceAttributes', 'Write an object of attributes, for example { "team": "orders" }.', 'a=b'),
  ...wrong(
    'resourceAttributes.a',
    'Write a text, a number, a boolean, or an array of one of them.',
    shown({ b: 1 }, 'an object with b'),
    shown([1, 'b'], 'an array of 2'),
  ),
  ...wrong('jaegerEndpoint', 'Write an address as a text, for example localhost:6831.', 6831),
  ...wrong(
    'jaegerEndpoint',
    'Write an address, for example localhost:6831, or leave the option out.',
    shown(' ', '""'),
  ),
  ...wrong(
    'jaegerEndpoint',
    `Write a port from 1 to 65535 after the host, for example ${JAEGER}.`,
    'localhost:port',
    'localhost:',
    'localhost:70000',
  ),
  ...wrong('jaegerEndpoint', `Write a host, for example ${JAEGER}.`, ':6831'),
  ...wrong(
    'jaegerEndpoint',
    `Write one of the schemes udp, http, https, or none: ${JAEGER}.`,
    'tcp://jaeger:6831',
  ),
  ...wrong(
    'jaegerEndpoint',
    `Put an IPv6 address in brackets and write the port once: [::1]:4317, or ${JAEGER}.`,
    '::1:6831',
  ),
  ...wrong(
    'jaegerEndpoint',
    'Port 6831 listens to UDP: write jaeger:6831, without scheme and path.',
    'http://jaeger:6831',
  ),
  ...wrong(
    'jaegerEndpoint',
    'Port 6832 listens to UDP: write jaeger:6832, without scheme and path.',
    'http://jaeger:6832/api',
  ),
  ...wrong('jaegerEndpoint', 'UDP has no path: write udp://jaeger:6831.', 'udp://jaeger:6831/api'),
  ...wrong(
    'jaegerEndpoint',
    `Port 16686 is Jaeger's user interface and receives nothing: write ${JAEGER}.`,
    'http://localhost:16686',
  ),
  ...wrong('jaegerEndpoint', `Write a host name or an IP address, for example ${JAEGER}.`, '${JAEGER_HOST}'),
  ...wrong(
    'otlpEndpoint',
    'Write an address as a text, for example http://localhost:4318.',
    shown({}, 'an empty object'),
  ),
  ...wrong('otlpEndpoint', `Write one of the schemes http, https, or none: ${OTLP}.`, 'grpc://c:4317'),
  ...wrong('otlpEndpoint', `Write a host, for example ${OTLP}.`, 'http://', 'http://:4318'),
  ...wrong(
    'otlpEndpoint',
    `Write a port from 1 to 65535 after the host, for example ${OTLP}.`,
    'http://c:0',
    'http://c:43 18',
  ),
  ...wrong(
    'otlpEndpoint',
    `Write a host name or an IP address, for example ${OTLP}.`,
    'my host',
    '[::zz]:4317',
  ),
  ...wrong(
    'otlpHeaders',
    'Write an object of header names and texts.',
    shown('authorization=secret', '(hidden)'),
    shown(['a'], 'an array of 1'),
  ),
  ...wrong(
    'otlpHeaders.authorization',
    'Write the value of the header as a text, and check that its source is set.',
    shown(undefined, 'undefined'),
  ),
  ...wrong(
    'otlpHeaders.a b',
    'Write a name that HTTP allows: letters, digits and hyphens.',
    shown('secret', '(hidden)'),
  ),
  ...wrong(
    'otlpHeaders.a',
    'Write a value that HTTP allows in a header: one line of Latin-1 text.',
    shown('secret\r\nx: y', '(hidden)'),
  ),
  ...wrong(
    'otlpProtocol',
    'Did you mean "http/protobuf"? Write one of grpc, http/protobuf, http/json.',
    'http/proto',
  ),
  ...wrong('enablePrometheus', FLAG, 1),
  ...wrong('prometheus', 'Write an object; to switch Prometheus on or off use enablePrometheus.', true),
  ...wrong(
    'prometheus.path',
    'Write a path that starts with a slash and has no parameters, for example /metrics.',
    'metrics',
    '/:tenant/metrics',
  ),
  ...wrong('prometheus.port', 'Write a port from 0 to 65535 (0 takes any free one).', 65_536, '9464'),
  ...wrong(
    'prometheus.host',
    'Write a host name or an IP address as a text that is not empty, or leave the option out.',
    '',
  ),
  ...wrong(
    'prometheus.guards',
    'Write an array of guard classes or instances.',
    shown(Guard, 'the function Guard'),
  ),
  [
    'prometheus.guards[1]',
    { prometheus: { guards: [Guard, 'jwt'] } },
    '"jwt"',
    'Pass a guard class, or an instance with canActivate.',
  ],
  ...wrong(
    'prometheus.prefix',
    'Write letters, digits and underscores, a digit not first, for example orders.',
    'my-app',
  ),
  ...wrong('exemplars', FLAG, 'on'),
  ...wrong('cardinalityLimit', 'Write a whole number of series from 1 to 1000000, for example 2000.', 0),
  ...wrong(
    'cardinalityLimits',
    'Write an object of instrument names and numbers of series, for example { "orders_total": 10000 }.',
    100,
  ),
  ...wrong(
    'cardinalityLimits.orders_total',
    'Write a whole number of series from 1 to 1000000, for example 2000.',
    '10k',
  ),
  ...wrong('metricExportIntervalMs', 'Write a whole number of milliseconds from 1, for example 60000.', 0),
  ...wrong('enableConsole', FLAG, 'yes'),
  ...wrong('sampling', RATIO, 1.5, Number.NaN),
  ...wrong(
    'sampling',
    'Write a number from 0 to 1, for example 0.1 for one trace in ten, or an object.',
    '0.1',
  ),
  ...wrong('sampling.ratio', RATIO, -0.1),
  ...wrong('sampling.sampler', `Write one of ${SAMPLERS}.`, 'sometimes'),
  ...wrong('sampling.sampler', `Did you mean "always_on"? Write one of ${SAMPLERS}.`, 'always-on'),
  ...wrong(
    'sampling.sampler',
    'Pass a sampler by name or an instance (an object with shouldSample).',
    shown({}, 'an empty object'),
  ),
  ...wrong('sampling.rules', RULES, shown({}, 'an empty object')),
  ['sampling.rules[0]', { sampling: { rules: ['/health'] } }, '"/health"', RULE],
  [
    'sampling.rules[0]',
    { sampling: { rules: [{ ratio: 0 }] } },
    'an object with ratio',
    'Write at least one of name, route, method, kind, attributes; sampling.ratio is for everything else.',
  ],
  ['sampling.rules[0]', { sampling: { rules: [{ name: 'a' }] } }, 'an object with name', RATIO_OF_RULE],
  ['sampling.rules[0].ratio', { sampling: { rules: [{ name: 'a', ratio: 2 }] } }, '2', RATIO],
  [
    'sampling.rules[1].name',
    {
      sampling: {
        rules: [
          { name: 'a', ratio: 1 },
          { name: '', ratio: 1 },
        ],
      },
    },
    '""',
    'Write the name of a span (a prefix when it ends in *), or a regular expression.',
  ],
  [
    'sampling.rules[0].route',
    { sampling: { rules: [{ route: 'orders', ratio: 1 }] } },
    '"orders"',
    'Write a route that starts with a slash, for example /orders/:id or /internal/*, or a regular expression.',
  ],
  [
    'sampling.rules[0].method',
    { sampling: { rules: [{ method: ['GET'], ratio: 1 }] } },
    'an array of 1',
    'Write an HTTP method, for example POST.',
  ],
  [
    'sampling.rules[0].kind',
    { sampling: { rules: [{ kind: 'SERVER', ratio: 1 }] } },
    '"SERVER"',
    'Did you mean "server"? Write one of internal, server, client, producer, consumer.',
  ],
  [
    'sampling.rules[0].attributes',
    { sampling: { rules: [{ attributes: 'a=b', ratio: 1 }] } },
    '"a=b"',
    'Write an object of attributes, for example { "tenant": "free" }.',
  ],
  [
    'sampling.rules[0].attributes.a',
    { sampling: { rules: [{ attributes: { a: ['b'] }, ratio: 1 }] } },
    'an array of 1',
    'Write a text, a number, a boolean or a regular expression.',
  ],
  [
    'sampling.rules[0].keep',
    { sampling: { rules: [{ name: 'a', keep: true }], keep: true } },
    'true',
    'Write false or { errors, slowerThanMs }.',
  ],
  [
    'sampling.rules[0].keep',
    { sampling: { rules: [{ name: 'a', keep: { slowerThanMs: 5000 } }] } },
    'an object with slowerThanMs',
    'It changes sampling.keep, which is not set: set that too.',
  ],
  [
    'sampling.rules',
    { sampling: { sampler: { shouldSample: () => ({}) }, rules: [{ name: 'a', ratio: 1 }] } },
    'an array of 1',
    'A sampler instance ignores the rules: put them into it.',
  ],
  ...wrong('sampling.keep', 'Write true, false or { errors, slowerThanMs }.', 'errors'),
  ...wrong(
    'sampling.keep',
    'It keeps nothing: set slowerThanMs, or leave errors on.',
    shown({ errors: false }, 'an object with errors'),
  ),
  ...wrong('sampling.keep.errors', FLAG, 1),
  ...wrong(
    'sampling.keep.slowerThanMs',
    'Write a number of milliseconds that is not negative, for example 500.',
    '1s',
  ),
  ...wrong('sampling.keep.maxTraces', 'Write a whole number of traces from 1, for example 2000.', 0),
  ...wrong('sampling.keep.maxSpans', 'Write a whole number of spans from 1, for example 10000.', 1.5),
  ...wrong(
    'sampling.keep.decisionTimeoutMs',
    'Write a number of milliseconds from 1, for example 30000.',
    shown(Infinity, 'Infinity'),
  ),
  ...wrong('redaction', 'Write true, false or an object.', 'on'),
  ...wrong('redaction.keys', 'Write an array of names and regular expressions.', 'email'),
  [
    'redaction.keys[0]',
    { redaction: { keys: ['--'] } },
    '"--"',
    'Write a name as a text, for example customer_number, or a regular expression.',
  ],
  ...wrong(
    'redaction.patterns',
    'Write an array of regular expressions.',
    shown(/a/, 'an instance of RegExp'),
  ),
  [
    'redaction.patterns[0]',
    { redaction: { patterns: ['K-1'] } },
    'a string',
    String.raw`Write a regular expression, for example /\bEMP-\d{6}\b/.`,
  ],
  [
    'redaction.patterns[0]',
    { redaction: { patterns: [/a*/] } },
    '/a*/',
    'It matches the empty text, which is everywhere: write one that requires a character.',
  ],
  [
    'redaction.patterns[1]',
    { redaction: { patterns: [/K-\d+/, /([a-z]+)+\d/] } },
    String.raw`/([a-z]+)+\d/`,
    'A quantifier inside a quantified group can take minutes for one text: write it without, for example a+ for (a+)+.',
  ],
  ...wrong('redaction.replace', 'Write a text, or a function that returns one.', 1),
  ...wrong('redaction.errorProperties', 'Write an array of names of properties.', 'orderId'),
  ...wrong('redaction.disable', 'Write an array of names of built-in rules, or true.', 'cards'),
  [
    'redaction.disable[0]',
    { redaction: { disable: ['card'] } },
    '"card"',
    'Did you mean "cards"? Write one of keys, pairs, error-properties, error-queries, url-credentials, credentials, jwt, api-keys, private-keys, cards.',
  ],
  ...wrong('logging', 'Write true, false or an object.', 'debug'),
  ...wrong(
    'logging.level',
    'Did you mean "warn"? Write one of trace, debug, info, warn, error, fatal, silent.',
    'warning',
  ),
  ...wrong('logging.format', 'Write one of json, text, pretty.', 'xml'),
  ...wrong('logging.redact', 'Write an array of pino paths.', 'password'),
  [
    'logging.redact[0]',
    { logging: { redact: [1] } },
    '1',
    'Write a pino path such as req.headers.authorization as a text that is not empty, or leave the option out.',
  ],
  ...wrong('logging.nestLogger', FLAG, 0),
  ...wrong('logging.requestLog', FLAG, 0),
  ...wrong('logging.spanEvents', FLAG, 0),
  ...wrong('logging.destination', 'Pass a stream (an object with write).', 'app.log'),
  ...wrong('logging.pino', 'Write an object of pino options.', 'x'),
  ...wrong('logging.pino.level', 'Write logging.level instead.', shown('info', 'a string')),
  ...wrong('logging.pino.redact', 'Write logging.redact instead.', shown(['a'], 'an array of 1')),
  ...wrong('propagation.baggageFields', 'Write an array of keys of baggage.', 'tenant.id'),
  [
    'propagation.baggageFields[0]',
    { propagation: { baggageFields: [''] } },
    '""',
    'Write a key of baggage as a text that is not empty, or leave the option out.',
  ],
  ...wrong('instrumentation', 'Write true, false or an object of switches.', shown([], 'an array of 0')),
  ...wrong('instrumentation.httpServer', 'Write true, false or { ignore: […] }.', 'on'),
  ...wrong('instrumentation.httpServer.ignore', 'Write an array of paths and regular expressions.', '/x'),
  [
    'instrumentation.httpServer.ignore[0]',
    { instrumentation: { httpServer: { ignore: ['health'] } } },
    '"health"',
    'Write a path that starts with a slash (and may end in *), or a regular expression.',
  ],
  ...wrong(
    'instrumentation.httpServer.spanAttributes',
    'Write a function that is given the request and the response and returns an object of attributes.',
    shown({ tenant: 'acme' }, 'an object with tenant'),
  ),
  ...wrong(
    'instrumentation.httpServer.metricAttributes',
    'Write a function that is given the request and the response and returns an object of attributes.',
    'tenant',
  ),
  ...wrong(
    'instrumentation.httpServer.user',
    'Write a function that is given the request and returns the id of its user, or { id, hash: false }.',
    'ada',
  ),
  ...wrong(
    'instrumentation.httpServer.userHashKey',
    'Write the key as a text, and check that its source is set.',
    shown(42, 'a number'),
    shown('', 'a string'),
  ),
  ...wrong('instrumentation.httpServer.responseHeaders', 'Write an array of header names.', 'traceresponse'),
  [
    'instrumentation.httpServer.responseHeaders[0]',
    { instrumentation: { httpServer: { responseHeaders: ['traceparent'] } } },
    '"traceparent"',
    'Write one of traceresponse, server-timing.',
  ],
  ...wrong('instrumentation.httpServer.traceIdInErrors', FLAG, 'yes'),
  ...wrong('instrumentation.nest', "Write true, false or { pipeline: 'spans' }.", 'on'),
  ...wrong('instrumentation.nest.pipeline', "Write 'timings', 'spans' or false.", true),
  ...wrong('instrumentation.nest.pipelineThresholdMs', 'Write a number of milliseconds, 0 or more.', -1),
  ...wrong('instrumentation.openai', 'Write true, false or { captureContent: true }.', 'on'),
  ...wrong('instrumentation.openai.captureContent', 'Write true or false, without quotes.', 'yes'),
  ...wrong(
    'instrumentation.nest.providers',
    "Write 'all', an array of classes and names, or a function that is given { className, moduleName, methodName }.",
    'OrderService',
  ),
  [
    'instrumentation.nest.providers[0]',
    { instrumentation: { nest: { providers: [{}] } } },
    'an empty object',
    "Write a class, or its name: 'OrderService', or 'OrderService.find' for one method.",
  ],
  ...Object.keys(INSTRUMENTATIONS)
    .filter((name) => !['httpServer', 'nest', 'openai'].includes(name))
    .map((name): [string, object, string, string] => [
      `instrumentation.${name}`,
      { instrumentation: { [name]: 'on' } },
      '"on"',
      FLAG,
    ]),
  ...wrong('instrumentations', 'Write an array of instrumentations.', shown({}, 'an empty object')),
  [
    'instrumentations[0]',
    { instrumentations: ['pg'] },
    '"pg"',
    'Pass an OpenTelemetry instrumentation (an object with enable, disable, setTracerProvider).',
  ],
  ...wrong('propagation', 'Write an object of propagation options.', 'link'),
  ...wrong('propagation.incoming', 'Did you mean "link"? Write one of trust, link, ignore.', 'links'),
  ...wrong('propagation.incoming.kafka', 'Write one of trust, link, ignore.', 1),
  ...wrong('propagators', 'Write an array of propagator names or instances.', 'b3'),
  [
    'propagators[0]',
    { propagators: ['trace-context'] },
    '"trace-context"',
    'Did you mean "tracecontext"? Write one of tracecontext, baggage, b3, b3multi.',
  ],
  [
    'propagators[0]',
    { propagators: [new Map()] },
    'an instance of Map',
    'Pass a propagator by name or an instance (an object with inject, extract, fields).',
  ],
  ...wrong(
    'shutdownTimeoutMs',
    'Write a number of milliseconds that is not negative, for example 5000.',
    -1,
    shown(Infinity, 'Infinity'),
  ),
  ...wrong('limits', 'Write an object of limits.', 5),
  ...wrong(
    'limits.attributeValueLength',
    'Write a whole number of characters, for example 16384, or 0 for no limit.',
    1.5,
  ),
  ...wrong('limits.queueBytes', 'Write a whole number of bytes greater than 0, for example 33554432.', 0),
  ...wrong('spanProcessors', 'Write an array of span processors.', 1),
  [
    'spanProcessors[0]',
    { spanProcessors: [{}] },
    'an empty object',
    'Pass a span processor (an object with onStart, onEnd, forceFlush, shutdown).',
  ],
  ...wrong('metricReaders', 'Write an array of metric readers.', 1),
  [
    'metricReaders[0]',
    { metricReaders: [{}] },
    'an empty object',
    'Pass a metric reader (an object with setMetricProducer, collect, forceFlush, shutdown).',
  ],
  ...wrong('logRecordProcessors', 'Write an array of log record processors.', 1),
  [
    'logRecordProcessors[0]',
    { logRecordProcessors: [null] },
    'null',
    'Pass a log record processor (an object with onEmit, forceFlush, shutdown).',
  ],
  ...wrong('views', 'Write an array of metric views.', 1),
  [
    'views[0]',
    { views: ['requests_total'] },
    '"requests_total"',
    'Pass the options of a view, for example { instrumentName: "requests_total" }.',
  ],
  ...wrong('dashboard', "Write true, false or an object, for example { path: '/telemetry' }.", 'on'),
  ...wrong('dashboard.enabled', FLAG, 1),
  ...wrong(
    'dashboard.path',
    'Write a path that starts with a slash and does not end in one, without parameters, for example /telemetry.',
    '/',
  ),
  ...wrong(
    'dashboard.token',
    'Write the token as a text, and check that its source is set; or write false for a dashboard without a token.',
    shown(12345, 'a number'),
  ),
  ...wrong('dashboard.allowRemote', FLAG, 'no'),
  ...wrong('dashboard.allowedHosts', 'Write an array of host names.', 'dev.example.com'),
  ...wrong('dashboard.otlp', FLAG, shown({}, 'an empty object')),
  ...wrong('dashboard.mcp', FLAG, 'off'),
  ...wrong('dashboard.profiling', FLAG, 'off'),
  ...wrong(
    'dashboard.source',
    "Write an object, for example { clickhouse: { url: 'http://localhost:8123' } }.",
    'clickhouse',
  ),
  ...wrong(
    'dashboard.source.clickhouse',
    "Write an object, for example { url: 'http://localhost:8123' }.",
    'http://localhost:8123',
  ),
  ...wrong(
    'dashboard.source.clickhouse.url',
    'Begin with http:// or https://, for example http://localhost:8123.',
    'localhost:8123',
  ),
  [
    'dashboard.source.clickhouse.url',
    { dashboard: { source: { clickhouse: { url: 'http://reader:secret@ch:8123' } } } },
    '"http://***@ch:8123"',
    'Write the address without user and password: these belong into username and password, or TELEMETRY_CLICKHOUSE_USERNAME and TELEMETRY_CLICKHOUSE_PASSWORD.',
  ],
  ...wrong(
    'dashboard.source.clickhouse.username',
    'Write the name of a user as a text that is not empty, or leave the option out.',
    '',
  ),
  ...wrong(
    'dashboard.source.clickhouse.password',
    'Write a text, and check that its source is set.',
    shown(12345, 'a number'),
  ),
  ...wrong(
    'dashboard.source.clickhouse.database',
    'Write a name of letters, digits, _ and -, that begins with a letter or _.',
    'a.b',
  ),
  ...wrong(
    'dashboard.source.clickhouse.tables',
    "Write an object of names, for example { traces: 'otel_traces' }.",
    'otel_traces',
  ),
  ...['traces', 'logs', 'metrics'].flatMap((table) =>
    wrong(
      `dashboard.source.clickhouse.tables.${table}`,
      'Write a name of letters, digits, _ and -, that begins with a letter or _.',
      'x`; DROP TABLE y',
    ),
  ),
  ...wrong('dashboard.source.clickhouse.tls', 'Write an object with ca, cert and key.', 'ca.pem'),
  ...['ca', 'cert', 'key'].flatMap((file) =>
    wrong(
      `dashboard.source.clickhouse.tls.${file}`,
      "Write the text of a PEM file, for example of readFileSync('ca.pem', 'utf8').",
      shown('./file.pem', '(hidden)'),
    ),
  ),
  ...wrong('dashboard.source.clickhouse.maxSeconds', 'Write a number of seconds from 0.1 to 3600.', 0),
  ...wrong('dashboard.source.clickhouse.maxRows', 'Write a whole number of at least 1000.', 10),
  ...wrong('dashboard.source.clickhouse.maxBytes', 'Write a whole number of bytes of at least 1000000.', 10),
  ...wrong(
    'dashboard.editor',
    'Write one of vscode, cursor, webstorm, zed, an address with {file} and {line} in it, or false.',
    'emacs',
  ),
  ...wrong('store', "Write true, false or an object, for example { file: ':memory:' }.", 1),
  ...wrong('store.enabled', FLAG, 1),
  ...wrong(
    'store.file',
    'Write a path, or :memory:, as a text that is not empty, or leave the option out.',
    '',
  ),
  ...wrong('store.maxAgeHours', 'Write a number of hours, for example 24.', 0),
  ...wrong('store.maxBytes', 'Write a whole number of bytes of at least 4194304.', 1000),
  ...wrong('store.maxSpans', ROWS, 1),
  ...wrong('store.maxLogs', ROWS, 1.5),
  ...wrong('store.maxPoints', ROWS, '9'),
  ...wrong('processEvents', 'Write true, false or an object, for example { signals: false }.', 'off'),
  ...wrong('processEvents.signals', FLAG, 'SIGTERM'),
  ...wrong(
    'processEvents.signalTimeoutMs',
    'Write a number of milliseconds from 0 to 60000, for example 1000.',
    -1,
  ),
  ...wrong('processEvents.uncaught', FLAG, 1),
  ...wrong(
    'processEvents.spool',
    'Write the path of a folder, true or false, as a text that is not empty, or leave the option out.',
    '',
  ),
  ['options', [], 'an array of 0', 'Write an object of options.'],
];

describe('validateOptions()', () => {
  it.each(WRONG)('says what is wrong with %s in %j', (name, options, received, remedy) => {
    expect(problemsOf(options)).toEqual([{ name, received, remedy }]);
  });

  it('has a test for each option', () => {
    const tested = new Set(WRONG.map(([name]) => name));
    expect(OPTION_NAMES.filter((name) => !tested.has(name))).toEqual([]);
  });

  it('finds nothing wrong with no options, and with options that are undefined', () => {
    expect(problemsOf({})).toEqual([]);
    expect(
      problemsOf(Object.fromEntries(OPTION_NAMES.map((name) => [name.split('.')[0], undefined]))),
    ).toEqual([]);
  });

  it('finds nothing wrong with every option written well', () => {
    expect(
      problemsOf({
        enabled: true,
        serviceName: 'orders',
        serviceVersion: '1.0.0',
        environment: 'staging',
        resourceAttributes: { team: 'orders', shard: 1, canary: false, zones: ['a', 'b'], none: undefined },
        jaegerEndpoint: 'jaeger:6831',
        otlpEndpoint: 'localhost:4317',
        otlpHeaders: { authorization: 'Bearer x' },
        otlpProtocol: 'grpc',
        enablePrometheus: true,
        prometheus: {
          path: '/',
          port: 0,
          host: '::1',
          guards: [Guard, { canActivate: () => true }],
          prefix: 'a_b',
        },
        enableConsole: false,
        sampling: {
          sampler: 'traceidratio',
          ratio: 0,
          rules: [
            { route: '/orders/:id', method: 'get', kind: 'server', ratio: 0.5 },
            { name: /^Report/, attributes: { tenant: /a/, size: 1, paid: true }, keep: { slowerThanMs: 0 } },
            { route: /x/, keep: false },
          ],
          keep: { slowerThanMs: 1.5, maxTraces: 1, maxSpans: 1, decisionTimeoutMs: 1 },
        },
        logging: {
          level: 'silent',
          format: 'text',
          redact: ['a.b'],
          destination: process.stdout,
          pino: { base: null },
        },
        instrumentation: { httpServer: { ignore: ['/a/*', /b/] }, nest: true, http: false },
        instrumentations: [],
        propagators: ['b3'],
        shutdownTimeoutMs: 0,
        views: [{ instrumentName: 'x' }],
      }),
    ).toEqual([]);
  });

  it.each([
    [{ service_name: 'x' }, 'service_name', 'serviceName'],
    [{ jaegerEndpont: 'x' }, 'jaegerEndpont', 'jaegerEndpoint'],
    [{ ServiceVersion: 'x' }, 'ServiceVersion', 'serviceVersion'],
    [{ sampling: { ration: 1 } }, 'sampling.ration', 'ratio'],
    [{ instrumentation: { httpServer: { ignored: [] } } }, 'instrumentation.httpServer.ignored', 'ignore'],
  ])('guesses what the unknown name in %j stands for', (options, name, meant) => {
    expect(problemsOf(options)).toMatchObject([
      { name, remedy: `There is no such option. Did you mean ${meant}?` },
    ]);
  });

  it('lists the known names when none is close', () => {
    expect(problemsOf({ sampling: { xyz: 1 } })).toMatchObject([
      {
        name: 'sampling.xyz',
        remedy: 'There is no such option. Known options: sampler, ratio, rules, keep.',
      },
    ]);
  });

  it.each(['constructor', 'toString', '__proto__'])('knows no option %s', (name) => {
    expect(problemsOf(JSON.parse(`{ ${JSON.stringify(name)}: 1 }`))).toMatchObject([{ name }]);
  });

  it('reports all problems at once, with where they were set', () => {
    const options = { serviceName: 1, sampling: { ratio: 2, sampler: 'x' }, unknown: true };
    const problems = validateOptions(options, 'orders.module.ts', INSTRUMENTATIONS);
    expect(problems.map(({ name, setIn }) => `${name} ${setIn}`)).toEqual([
      'serviceName orders.module.ts',
      'sampling.ratio orders.module.ts',
      'sampling.sampler orders.module.ts',
      'unknown orders.module.ts',
    ]);
  });

  it.each([
    { otlpHeaders: 'authorization=Bearer hunter2' },
    { otlpHeaders: { 'bad name': 'hunter2' } },
    { otlpHeaders: { authorization: 'hunter2\n' } },
    { otlpHeader: { authorization: 'hunter2' } },
    { apiKey: 'hunter2' },
    { otlpEndpoint: 'https://user:hunter2@collector:4318' },
    { otlpEndpoint: 'user:hunter2@collector:4318' },
    { otlpEndpoint: 'https://user:p/hunter2@collector:4318' },
    { otlpEndpoint: 'ftp://collector?api-key=hunter2' },
    { jaegerEndpoint: 'https://user:hunter2@jaeger/api/traces' },
  ])('shows no secret of %j', (options) => {
    const problems = problemsOf(options);
    expect(problems).toHaveLength(1);
    expect(JSON.stringify(problems)).not.toContain('hunter2');
  });

  it('cuts long values', () => {
    const [problem] = problemsOf({ otlpProtocol: 'x'.repeat(5000) });
    expect(problem?.received.length).toBeLessThan(120);
  });
});

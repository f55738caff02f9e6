import { optionNames } from '../../lib/config/telemetry-options.js';
import { type TelemetryOptions } from '../../lib/config/telemetry-options.js';
import { validateOptions } from '../../lib/config/resolve-config.js';
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

/** Option that is wrong, options, how the value is shown, remedy. */
const WRONG: [name: string, options: object, received: string, remedy: string][] = [
  ['enabled', { enabled: 'false' }, '"false"', FLAG],
  ['engine', { engine: 'native' }, '"native"', 'Write one of fast, sdk.'],
  [
    'serviceName',
    { serviceName: '' },
    '""',
    'Write a name as a text that is not empty, or leave the option out.',
  ],
  [
    'serviceVersion',
    { serviceVersion: 1 },
    '1',
    'Write a version as a text that is not empty, or leave the option out.',
  ],
  [
    'environment',
    { environment: null },
    'null',
    'Write a name as a text that is not empty, or leave the option out.',
  ],
  [
    'resourceAttributes',
    { resourceAttributes: 'a=b' },
    '"a=b"',
    'Write an object of attributes, for example { "team": "orders" }.',
  ],
  [
    'resourceAttributes.a',
    { resourceAttributes: { a: { b: 1 } } },
    'an object with b',
    'Write a text, a number, a boolean, or an array of one of them.',
  ],
  [
    'resourceAttributes.a',
    { resourceAttributes: { a: [1, 'b'] } },
    'an array of 2',
    'Write a text, a number, a boolean, or an array of one of them.',
  ],

  [
    'jaegerEndpoint',
    { jaegerEndpoint: 6831 },
    '6831',
    'Write an address as a text, for example localhost:6831.',
  ],
  [
    'jaegerEndpoint',
    { jaegerEndpoint: ' ' },
    '""',
    'Write an address, for example localhost:6831, or leave the option out.',
  ],
  [
    'jaegerEndpoint',
    { jaegerEndpoint: 'localhost:port' },
    '"localhost:port"',
    `Write a port from 1 to 65535 after the host, for example ${JAEGER}.`,
  ],
  [
    'jaegerEndpoint',
    { jaegerEndpoint: 'localhost:' },
    '"localhost:"',
    `Write a port from 1 to 65535 after the host, for example ${JAEGER}.`,
  ],
  [
    'jaegerEndpoint',
    { jaegerEndpoint: 'localhost:70000' },
    '"localhost:70000"',
    `Write a port from 1 to 65535 after the host, for example ${JAEGER}.`,
  ],
  ['jaegerEndpoint', { jaegerEndpoint: ':6831' }, '":6831"', `Write a host, for example ${JAEGER}.`],
  [
    'jaegerEndpoint',
    { jaegerEndpoint: 'tcp://jaeger:6831' },
    '"tcp://jaeger:6831"',
    `Write one of the schemes udp, http, https, or none: ${JAEGER}.`,
  ],
  [
    'jaegerEndpoint',
    { jaegerEndpoint: '::1:6831' },
    '"::1:6831"',
    `Put an IPv6 address in brackets and write the port once: [::1]:4317, or ${JAEGER}.`,
  ],
  [
    'jaegerEndpoint',
    { jaegerEndpoint: 'http://jaeger:6831' },
    '"http://jaeger:6831"',
    'Port 6831 listens to UDP: write jaeger:6831, without scheme and path.',
  ],
  [
    'jaegerEndpoint',
    { jaegerEndpoint: 'http://jaeger:6832/api' },
    '"http://jaeger:6832/api"',
    'Port 6832 listens to UDP: write jaeger:6832, without scheme and path.',
  ],
  [
    'jaegerEndpoint',
    { jaegerEndpoint: 'udp://jaeger:6831/api' },
    '"udp://jaeger:6831/api"',
    'UDP has no path: write udp://jaeger:6831.',
  ],
  [
    'jaegerEndpoint',
    { jaegerEndpoint: 'http://localhost:16686' },
    '"http://localhost:16686"',
    `Port 16686 is Jaeger's user interface and receives nothing: write ${JAEGER}.`,
  ],
  [
    'jaegerEndpoint',
    { jaegerEndpoint: '${JAEGER_HOST}' },
    '"${JAEGER_HOST}"',
    `Write a host name or an IP address, for example ${JAEGER}.`,
  ],

  [
    'otlpEndpoint',
    { otlpEndpoint: {} },
    'an empty object',
    'Write an address as a text, for example http://localhost:4318.',
  ],
  [
    'otlpEndpoint',
    { otlpEndpoint: 'grpc://c:4317' },
    '"grpc://c:4317"',
    `Write one of the schemes http, https, or none: ${OTLP}.`,
  ],
  ['otlpEndpoint', { otlpEndpoint: 'http://' }, '"http://"', `Write a host, for example ${OTLP}.`],
  ['otlpEndpoint', { otlpEndpoint: 'http://:4318' }, '"http://:4318"', `Write a host, for example ${OTLP}.`],
  [
    'otlpEndpoint',
    { otlpEndpoint: 'http://c:0' },
    '"http://c:0"',
    `Write a port from 1 to 65535 after the host, for example ${OTLP}.`,
  ],
  [
    'otlpEndpoint',
    { otlpEndpoint: 'http://c:43 18' },
    '"http://c:43 18"',
    `Write a port from 1 to 65535 after the host, for example ${OTLP}.`,
  ],
  [
    'otlpEndpoint',
    { otlpEndpoint: 'my host' },
    '"my host"',
    `Write a host name or an IP address, for example ${OTLP}.`,
  ],
  [
    'otlpEndpoint',
    { otlpEndpoint: '[::zz]:4317' },
    '"[::zz]:4317"',
    `Write a host name or an IP address, for example ${OTLP}.`,
  ],
  [
    'otlpHeaders',
    { otlpHeaders: 'authorization=secret' },
    '(hidden)',
    'Write an object of header names and texts.',
  ],
  ['otlpHeaders', { otlpHeaders: ['a'] }, 'an array of 1', 'Write an object of header names and texts.'],
  [
    'otlpHeaders.authorization',
    { otlpHeaders: { authorization: undefined } },
    'undefined',
    'Write the value of the header as a text, and check that its source is set.',
  ],
  [
    'otlpHeaders.a b',
    { otlpHeaders: { 'a b': 'secret' } },
    '(hidden)',
    'Write a name that HTTP allows: letters, digits and hyphens.',
  ],
  [
    'otlpHeaders.a',
    { otlpHeaders: { a: 'secret\r\nx: y' } },
    '(hidden)',
    'Write a value that HTTP allows in a header: one line of Latin-1 text.',
  ],
  [
    'otlpProtocol',
    { otlpProtocol: 'http/proto' },
    '"http/proto"',
    'Did you mean "http/protobuf"? Write one of grpc, http/protobuf, http/json.',
  ],

  ['enablePrometheus', { enablePrometheus: 1 }, '1', FLAG],
  [
    'prometheus',
    { prometheus: true },
    'true',
    'Write an object; to switch Prometheus on or off use enablePrometheus.',
  ],
  [
    'prometheus.path',
    { prometheus: { path: 'metrics' } },
    '"metrics"',
    'Write a path that starts with a slash and has no parameters, for example /metrics.',
  ],
  [
    'prometheus.path',
    { prometheus: { path: '/:tenant/metrics' } },
    '"/:tenant/metrics"',
    'Write a path that starts with a slash and has no parameters, for example /metrics.',
  ],
  [
    'prometheus.port',
    { prometheus: { port: 65_536 } },
    '65536',
    'Write a port from 0 to 65535 (0 takes any free one).',
  ],
  [
    'prometheus.port',
    { prometheus: { port: '9464' } },
    '"9464"',
    'Write a port from 0 to 65535 (0 takes any free one).',
  ],
  [
    'prometheus.host',
    { prometheus: { host: '' } },
    '""',
    'Write a host name or an IP address as a text that is not empty, or leave the option out.',
  ],
  [
    'prometheus.guards',
    { prometheus: { guards: Guard } },
    'the function Guard',
    'Write an array of guard classes or instances.',
  ],
  [
    'prometheus.guards[1]',
    { prometheus: { guards: [Guard, 'jwt'] } },
    '"jwt"',
    'Pass a guard class, or an instance with canActivate.',
  ],
  [
    'prometheus.prefix',
    { prometheus: { prefix: 'my-app' } },
    '"my-app"',
    'Write letters, digits and underscores, a digit not first, for example orders.',
  ],
  ['exemplars', { exemplars: 'on' }, '"on"', FLAG],
  [
    'cardinalityLimit',
    { cardinalityLimit: 0 },
    '0',
    'Write a whole number of series from 1 to 1000000, for example 2000.',
  ],
  [
    'cardinalityLimits',
    { cardinalityLimits: 100 },
    '100',
    'Write an object of instrument names and numbers of series, for example { "orders_total": 10000 }.',
  ],
  [
    'cardinalityLimits.orders_total',
    { cardinalityLimits: { orders_total: '10k' } },
    '"10k"',
    'Write a whole number of series from 1 to 1000000, for example 2000.',
  ],
  [
    'metricExportIntervalMs',
    { metricExportIntervalMs: 0 },
    '0',
    'Write a whole number of milliseconds from 1, for example 60000.',
  ],
  ['enableConsole', { enableConsole: 'yes' }, '"yes"', FLAG],

  ['sampling', { sampling: 1.5 }, '1.5', RATIO],
  ['sampling', { sampling: Number.NaN }, 'NaN', RATIO],
  [
    'sampling',
    { sampling: '0.1' },
    '"0.1"',
    'Write a number from 0 to 1, for example 0.1 for one trace in ten, or an object.',
  ],
  ['sampling.ratio', { sampling: { ratio: -0.1 } }, '-0.1', RATIO],
  ['sampling.sampler', { sampling: { sampler: 'sometimes' } }, '"sometimes"', `Write one of ${SAMPLERS}.`],
  [
    'sampling.sampler',
    { sampling: { sampler: 'always-on' } },
    '"always-on"',
    `Did you mean "always_on"? Write one of ${SAMPLERS}.`,
  ],
  [
    'sampling.sampler',
    { sampling: { sampler: {} } },
    'an empty object',
    'Pass a sampler by name or an instance (an object with shouldSample).',
  ],
  ['sampling.rules', { sampling: { rules: {} } }, 'an empty object', RULES],
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
  [
    'sampling.keep',
    { sampling: { keep: 'errors' } },
    '"errors"',
    'Write true, false or { errors, slowerThanMs }.',
  ],
  [
    'sampling.keep',
    { sampling: { keep: { errors: false } } },
    'an object with errors',
    'It keeps nothing: set slowerThanMs, or leave errors on.',
  ],
  ['sampling.keep.errors', { sampling: { keep: { errors: 1 } } }, '1', FLAG],
  [
    'sampling.keep.slowerThanMs',
    { sampling: { keep: { slowerThanMs: '1s' } } },
    '"1s"',
    'Write a number of milliseconds that is not negative, for example 500.',
  ],
  [
    'sampling.keep.maxTraces',
    { sampling: { keep: { maxTraces: 0 } } },
    '0',
    'Write a whole number of traces from 1, for example 2000.',
  ],
  [
    'sampling.keep.maxSpans',
    { sampling: { keep: { maxSpans: 1.5 } } },
    '1.5',
    'Write a whole number of spans from 1, for example 10000.',
  ],
  [
    'sampling.keep.decisionTimeoutMs',
    { sampling: { keep: { decisionTimeoutMs: Infinity } } },
    'Infinity',
    'Write a number of milliseconds from 1, for example 30000.',
  ],

  ['redaction', { redaction: 'on' }, '"on"', 'Write true, false or an object.'],
  [
    'redaction.keys',
    { redaction: { keys: 'email' } },
    '"email"',
    'Write an array of names and regular expressions.',
  ],
  [
    'redaction.keys[0]',
    { redaction: { keys: ['--'] } },
    '"--"',
    'Write a name as a text, for example customer_number, or a regular expression.',
  ],
  [
    'redaction.patterns',
    { redaction: { patterns: /a/ } },
    'an instance of RegExp',
    'Write an array of regular expressions.',
  ],
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
  ['redaction.replace', { redaction: { replace: 1 } }, '1', 'Write a text, or a function that returns one.'],
  [
    'redaction.errorProperties',
    { redaction: { errorProperties: 'orderId' } },
    '"orderId"',
    'Write an array of names of properties.',
  ],
  [
    'redaction.disable',
    { redaction: { disable: 'cards' } },
    '"cards"',
    'Write an array of names of built-in rules, or true.',
  ],
  [
    'redaction.disable[0]',
    { redaction: { disable: ['card'] } },
    '"card"',
    'Did you mean "cards"? Write one of keys, pairs, error-properties, error-queries, url-credentials, credentials, jwt, api-keys, private-keys, cards.',
  ],

  ['logging', { logging: 'debug' }, '"debug"', 'Write true, false or an object.'],
  [
    'logging.level',
    { logging: { level: 'warning' } },
    '"warning"',
    'Did you mean "warn"? Write one of trace, debug, info, warn, error, fatal, silent.',
  ],
  ['logging.format', { logging: { format: 'xml' } }, '"xml"', 'Write one of json, text, pretty.'],
  ['logging.redact', { logging: { redact: 'password' } }, '"password"', 'Write an array of pino paths.'],
  [
    'logging.redact[0]',
    { logging: { redact: [1] } },
    '1',
    'Write a pino path such as req.headers.authorization as a text that is not empty, or leave the option out.',
  ],
  ['logging.nestLogger', { logging: { nestLogger: 0 } }, '0', FLAG],
  ['logging.requestLog', { logging: { requestLog: 0 } }, '0', FLAG],
  ['logging.spanEvents', { logging: { spanEvents: 0 } }, '0', FLAG],
  [
    'logging.destination',
    { logging: { destination: 'app.log' } },
    '"app.log"',
    'Pass a stream (an object with write).',
  ],
  ['logging.pino', { logging: { pino: 'x' } }, '"x"', 'Write an object of pino options.'],
  [
    'logging.pino.level',
    { logging: { pino: { level: 'info' } } },
    'a string',
    'Write logging.level instead.',
  ],
  [
    'logging.pino.redact',
    { logging: { pino: { redact: ['a'] } } },
    'an array of 1',
    'Write logging.redact instead.',
  ],

  [
    'instrumentation',
    { instrumentation: [] },
    'an array of 0',
    'Write true, false or an object of switches.',
  ],
  [
    'instrumentation.httpServer',
    { instrumentation: { httpServer: 'on' } },
    '"on"',
    'Write true, false or { ignore: […] }.',
  ],
  [
    'instrumentation.httpServer.ignore',
    { instrumentation: { httpServer: { ignore: '/x' } } },
    '"/x"',
    'Write an array of paths and regular expressions.',
  ],
  [
    'instrumentation.httpServer.ignore[0]',
    { instrumentation: { httpServer: { ignore: ['health'] } } },
    '"health"',
    'Write a path that starts with a slash (and may end in *), or a regular expression.',
  ],
  [
    'instrumentation.httpServer.spanAttributes',
    { instrumentation: { httpServer: { spanAttributes: { tenant: 'acme' } } } },
    'an object with tenant',
    'Write a function that is given the request and the response and returns an object of attributes.',
  ],
  [
    'instrumentation.httpServer.metricAttributes',
    { instrumentation: { httpServer: { metricAttributes: 'tenant' } } },
    '"tenant"',
    'Write a function that is given the request and the response and returns an object of attributes.',
  ],
  [
    'instrumentation.nest',
    { instrumentation: { nest: 'on' } },
    '"on"',
    "Write true, false or { pipeline: 'spans' }.",
  ],
  [
    'instrumentation.nest.pipeline',
    { instrumentation: { nest: { pipeline: true } } },
    'true',
    "Write 'timings', 'spans' or false.",
  ],
  [
    'instrumentation.nest.pipelineThresholdMs',
    { instrumentation: { nest: { pipelineThresholdMs: -1 } } },
    '-1',
    'Write a number of milliseconds, 0 or more.',
  ],
  [
    'instrumentation.openai',
    { instrumentation: { openai: 'on' } },
    '"on"',
    'Write true, false or { captureContent: true }.',
  ],
  [
    'instrumentation.openai.captureContent',
    { instrumentation: { openai: { captureContent: 'yes' } } },
    '"yes"',
    'Write true or false, without quotes.',
  ],
  [
    'instrumentation.nest.providers',
    { instrumentation: { nest: { providers: 'OrderService' } } },
    '"OrderService"',
    "Write 'all', an array of classes and names, or a function that is given { className, moduleName, methodName }.",
  ],
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
  ['instrumentations', { instrumentations: {} }, 'an empty object', 'Write an array of instrumentations.'],
  [
    'instrumentations[0]',
    { instrumentations: ['pg'] },
    '"pg"',
    'Pass an OpenTelemetry instrumentation (an object with enable, disable, setTracerProvider).',
  ],
  ['propagation', { propagation: 'link' }, '"link"', 'Write an object of propagation options.'],
  [
    'propagation.incoming',
    { propagation: { incoming: 'links' } },
    '"links"',
    'Did you mean "link"? Write one of trust, link, ignore.',
  ],
  [
    'propagation.incoming.kafka',
    { propagation: { incoming: { kafka: 1 } } },
    '1',
    'Write one of trust, link, ignore.',
  ],
  ['propagators', { propagators: 'b3' }, '"b3"', 'Write an array of propagator names or instances.'],
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

  [
    'shutdownTimeoutMs',
    { shutdownTimeoutMs: -1 },
    '-1',
    'Write a number of milliseconds that is not negative, for example 5000.',
  ],
  [
    'shutdownTimeoutMs',
    { shutdownTimeoutMs: Infinity },
    'Infinity',
    'Write a number of milliseconds that is not negative, for example 5000.',
  ],
  ['limits', { limits: 5 }, '5', 'Write an object of limits.'],
  [
    'limits.attributeValueLength',
    { limits: { attributeValueLength: 1.5 } },
    '1.5',
    'Write a whole number of characters, for example 16384, or 0 for no limit.',
  ],
  [
    'limits.queueBytes',
    { limits: { queueBytes: 0 } },
    '0',
    'Write a whole number of bytes greater than 0, for example 33554432.',
  ],
  ['spanProcessors', { spanProcessors: 1 }, '1', 'Write an array of span processors.'],
  [
    'spanProcessors[0]',
    { spanProcessors: [{}] },
    'an empty object',
    'Pass a span processor (an object with onStart, onEnd, forceFlush, shutdown).',
  ],
  ['metricReaders', { metricReaders: 1 }, '1', 'Write an array of metric readers.'],
  [
    'metricReaders[0]',
    { metricReaders: [{}] },
    'an empty object',
    'Pass a metric reader (an object with setMetricProducer, collect, forceFlush, shutdown).',
  ],
  ['logRecordProcessors', { logRecordProcessors: 1 }, '1', 'Write an array of log record processors.'],
  [
    'logRecordProcessors[0]',
    { logRecordProcessors: [null] },
    'null',
    'Pass a log record processor (an object with onEmit, forceFlush, shutdown).',
  ],
  ['views', { views: 1 }, '1', 'Write an array of metric views.'],
  [
    'views[0]',
    { views: ['requests_total'] },
    '"requests_total"',
    'Pass the options of a view, for example { instrumentName: "requests_total" }.',
  ],

  [
    'dashboard',
    { dashboard: 'on' },
    '"on"',
    "Write true, false or an object, for example { path: '/telemetry' }.",
  ],
  ['dashboard.enabled', { dashboard: { enabled: 1 } }, '1', FLAG],
  [
    'dashboard.path',
    { dashboard: { path: '/' } },
    '"/"',
    'Write a path that starts with a slash and does not end in one, without parameters, for example /telemetry.',
  ],
  [
    'dashboard.token',
    { dashboard: { token: 12345 } },
    'a number',
    'Write the token as a text, and check that its source is set; or write false for a dashboard without a token.',
  ],
  ['dashboard.allowRemote', { dashboard: { allowRemote: 'no' } }, '"no"', FLAG],
  [
    'dashboard.allowedHosts',
    { dashboard: { allowedHosts: 'dev.example.com' } },
    '"dev.example.com"',
    'Write an array of host names.',
  ],
  ['dashboard.otlp', { dashboard: { otlp: {} } }, 'an empty object', FLAG],
  [
    'dashboard.editor',
    { dashboard: { editor: 'emacs' } },
    '"emacs"',
    'Write one of vscode, cursor, webstorm, zed, an address with {file} and {line} in it, or false.',
  ],

  ['store', { store: 1 }, '1', "Write true, false or an object, for example { file: ':memory:' }."],
  ['store.enabled', { store: { enabled: 1 } }, '1', FLAG],
  [
    'store.file',
    { store: { file: '' } },
    '""',
    'Write a path, or :memory:, as a text that is not empty, or leave the option out.',
  ],
  ['store.maxAgeHours', { store: { maxAgeHours: 0 } }, '0', 'Write a number of hours, for example 24.'],
  [
    'store.maxBytes',
    { store: { maxBytes: 1000 } },
    '1000',
    'Write a whole number of bytes of at least 4194304.',
  ],
  ['store.maxSpans', { store: { maxSpans: 1 } }, '1', ROWS],
  ['store.maxLogs', { store: { maxLogs: 1.5 } }, '1.5', ROWS],
  ['store.maxPoints', { store: { maxPoints: '9' } }, '"9"', ROWS],

  [
    'processEvents',
    { processEvents: 'off' },
    '"off"',
    'Write true, false or an object, for example { signals: false }.',
  ],
  ['processEvents.signals', { processEvents: { signals: 'SIGTERM' } }, '"SIGTERM"', FLAG],
  [
    'processEvents.signalTimeoutMs',
    { processEvents: { signalTimeoutMs: -1 } },
    '-1',
    'Write a number of milliseconds from 0 to 60000, for example 1000.',
  ],
  ['processEvents.uncaught', { processEvents: { uncaught: 1 } }, '1', FLAG],
  [
    'processEvents.spool',
    { processEvents: { spool: '' } },
    '""',
    'Write the path of a folder, true or false, as a text that is not empty, or leave the option out.',
  ],

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
    const options = { serviceName: 1, sampling: { ratio: 2, sampler: 'x' }, unknown: true } as unknown;
    const problems = validateOptions(options as TelemetryOptions, 'orders.module.ts', INSTRUMENTATIONS);
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

import { type EnvironmentReading, readEnvironment } from '../../lib/config/environment.js';
import { environmentVariables } from '../../lib/config/telemetry-options.js';
import { INSTRUMENTATIONS } from '../../lib/instrumentation/registry.js';

const VARIABLES = environmentVariables(INSTRUMENTATIONS);
const read = (env: NodeJS.ProcessEnv): EnvironmentReading => readEnvironment(env, VARIABLES);

const FROM_0 = 'Write a whole number of at least 0.';
const FROM_1 = 'Write a whole number of at least 1.';
const PROTOCOL = 'Write one of grpc, http/protobuf, http/json.';
const OTLP = 'http://localhost:4318 or localhost:4317';
const PAIRS = 'Write key=value pairs separated by commas; entry 1 is none.';
const SAMPLERS =
  'always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off, parentbased_traceidratio';

/** Variable, wrong text, how it is shown, remedy. */
const WRONG: [name: string, text: string, received: string, remedy: string][] = [
  ['OTEL_SDK_DISABLED', '1', '"1"', 'Write true or false.'],
  ['OTEL_SDK_DISABLED', 'yes', '"yes"', 'Write true or false.'],
  ['OTEL_RESOURCE_ATTRIBUTES', 'team', '"team"', PAIRS],
  ['OTEL_RESOURCE_ATTRIBUTES', '=orders', '"=orders"', PAIRS],
  [
    'OTEL_RESOURCE_ATTRIBUTES',
    'a=1,b=100%',
    '"a=1,b=100%"',
    'Percent-encode values (a % itself is %25); entry 2 cannot be decoded.',
  ],
  [
    'OTEL_EXPORTER_JAEGER_ENDPOINT',
    'localhost:68310',
    '"localhost:68310"',
    'Write a port from 1 to 65535 after the host, for example localhost:6831 or http://localhost:4318.',
  ],
  [
    'OTEL_EXPORTER_JAEGER_ENDPOINT',
    'http://localhost:6831',
    '"http://localhost:6831"',
    'Port 6831 listens to UDP: write localhost:6831, without scheme and path.',
  ],
  [
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    'grpc://localhost:4317',
    '"grpc://localhost:4317"',
    `Write one of the schemes http, https, or none: ${OTLP}.`,
  ],
  [
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    'https://user:hunter2@c',
    '"https://***@c"',
    'Leave credentials out of the address, they are not sent; OTLP takes them as an `authorization` header.',
  ],
  ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', ':4317', '":4317"', `Write a host, for example ${OTLP}.`],
  ['OTEL_EXPORTER_OTLP_METRICS_ENDPOINT', ':4317', '":4317"', `Write a host, for example ${OTLP}.`],
  ['OTEL_EXPORTER_OTLP_LOGS_ENDPOINT', ':4317', '":4317"', `Write a host, for example ${OTLP}.`],
  ['OTEL_EXPORTER_OTLP_HEADERS', 'Bearer hunter2', '(hidden)', PAIRS],
  [
    'OTEL_EXPORTER_OTLP_HEADERS',
    'a b=hunter2',
    '(hidden)',
    'Write names and values that HTTP allows in a header: no line breaks or spaces in names.',
  ],
  [
    'OTEL_EXPORTER_OTLP_HEADERS',
    'a=x%0D%0Ab:y',
    '(hidden)',
    'Write names and values that HTTP allows in a header: no line breaks or spaces in names.',
  ],
  ['OTEL_EXPORTER_OTLP_TRACES_HEADERS', 'hunter2', '(hidden)', PAIRS],
  ['OTEL_EXPORTER_OTLP_METRICS_HEADERS', 'hunter2', '(hidden)', PAIRS],
  ['OTEL_EXPORTER_OTLP_LOGS_HEADERS', 'hunter2', '(hidden)', PAIRS],
  ['OTEL_EXPORTER_OTLP_PROTOCOL', 'http', '"http"', PROTOCOL],
  ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'http', '"http"', PROTOCOL],
  ['OTEL_EXPORTER_OTLP_METRICS_PROTOCOL', 'http', '"http"', PROTOCOL],
  ['OTEL_EXPORTER_OTLP_LOGS_PROTOCOL', 'http', '"http"', PROTOCOL],
  [
    'OTEL_TRACES_EXPORTER',
    'zipkin',
    '"zipkin"',
    'Ignored: zipkin. Known values: otlp, jaeger, console, none.',
  ],
  [
    'OTEL_METRICS_EXPORTER',
    'console',
    '"console"',
    'Ignored: console. Known values: otlp, prometheus, none.',
  ],
  ['OTEL_LOGS_EXPORTER', 'console', '"console"', 'Ignored: console. Known values: otlp, none.'],
  ['OTEL_TRACES_SAMPLER', 'sometimes', '"sometimes"', `Write one of ${SAMPLERS}.`],
  [
    'OTEL_TRACES_SAMPLER',
    '0.1',
    '"0.1"',
    'For a share write OTEL_TRACES_SAMPLER=parentbased_traceidratio and OTEL_TRACES_SAMPLER_ARG=0.1.',
  ],
  [
    'OTEL_TRACES_SAMPLER_ARG',
    '10%',
    '"10%"',
    'Write a number from 0 to 1, for example 0.1 for one trace in ten.',
  ],
  [
    'OTEL_TRACES_SAMPLER_ARG',
    '2',
    '"2"',
    'Write a number from 0 to 1, for example 0.1 for one trace in ten.',
  ],
  [
    'OTEL_PROPAGATORS',
    'xray',
    '"xray"',
    'Ignored: xray. Known values: tracecontext, baggage, b3, b3multi, none.',
  ],
  ['OTEL_EXPORTER_PROMETHEUS_PORT', '99999', '"99999"', 'Write a whole number from 0 to 65535.'],
  [
    'OTEL_LOG_LEVEL',
    'loud',
    '"loud"',
    'Write one of trace, debug, info, warn, error, fatal, silent, none, verbose, all.',
  ],
  ['TELEMETRY_DASHBOARD', 'on', '"on"', 'Write true or false.'],
  ['TELEMETRY_DASHBOARD_MCP', 'on', '"on"', 'Write true or false.'],
  ['TELEMETRY_DASHBOARD_PROFILING', 'on', '"on"', 'Write true or false.'],
  ['TELEMETRY_STORE', 'on', '"on"', 'Write true or false.'],
  ['TELEMETRY_START_CHECK', 'on', '"on"', 'Write true or false.'],
  ['TELEMETRY_PROCESS_EVENTS', 'off', '"off"', 'Write true or false.'],
  ['OTEL_METRIC_EXPORT_INTERVAL', '0', '"0"', FROM_1],
  ['OTEL_METRIC_EXPORT_TIMEOUT', '30s', '"30s"', FROM_1],
  [
    'TELEMETRY_HTTP_RESPONSE_HEADERS',
    'traceparent',
    '"traceparent"',
    'Ignored: traceparent. Known values: traceresponse, server-timing, none.',
  ],
  ['TELEMETRY_HTTP_TRACE_ID_IN_ERRORS', 'yes', '"yes"', 'Write true or false.'],
  ['TELEMETRY_PROPAGATION_INCOMING', 'reject', '"reject"', 'Write one of trust, link, ignore.'],
  ['OTEL_METRICS_EXEMPLAR_FILTER', 'always_on', '"always_on"', 'Write one of trace_based, always_off.'],
  ['OTEL_BSP_SCHEDULE_DELAY', '-1', '"-1"', FROM_0],
  ['OTEL_BSP_EXPORT_TIMEOUT', '1.5', '"1.5"', FROM_0],
  ['OTEL_BSP_MAX_QUEUE_SIZE', '0', '"0"', FROM_1],
  ['TELEMETRY_CARDINALITY_LIMIT', '0', '"0"', 'Write a whole number from 1 to 1000000.'],
  ['OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 'many', '"many"', FROM_1],
  ['OTEL_BLRP_SCHEDULE_DELAY', '1e3', '"1e3"', FROM_0],
  ['OTEL_BLRP_EXPORT_TIMEOUT', '-1', '"-1"', FROM_0],
  ['OTEL_BLRP_MAX_QUEUE_SIZE', '0', '"0"', FROM_1],
  ['OTEL_BLRP_MAX_EXPORT_BATCH_SIZE', '0', '"0"', FROM_1],
  ['OTEL_ATTRIBUTE_COUNT_LIMIT', '-1', '"-1"', FROM_0],
  ['OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT', '-1', '"-1"', FROM_0],
  ['OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT', '-1', '"-1"', FROM_0],
  ['OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT', '-1', '"-1"', FROM_0],
  ['TELEMETRY_QUEUE_BYTES', '0', '"0"', FROM_1],
  ['OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT', '-1', '"-1"', FROM_0],
  ['OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT', '-1', '"-1"', FROM_0],
  ['OTEL_SPAN_EVENT_COUNT_LIMIT', '-1', '"-1"', FROM_0],
  ['OTEL_SPAN_LINK_COUNT_LIMIT', '-1', '"-1"', FROM_0],
  ['OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT', '-1', '"-1"', FROM_0],
  ['OTEL_LINK_ATTRIBUTE_COUNT_LIMIT', '-1', '"-1"', FROM_0],
  [
    'OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT',
    'yes',
    '"yes"',
    'Write one of true, false, span_only, span_and_event, event_only, no_content.',
  ],
  [
    'TELEMETRY_CLICKHOUSE_URL',
    'reader:secret@clickhouse:8123',
    '"***@clickhouse:8123"',
    'Begin with http:// or https://, for example http://localhost:8123.',
  ],
];

describe('readEnvironment()', () => {
  it.each(WRONG)('leaves out %s=%s and says why', (name, text, received, remedy) => {
    const { values, problems } = read({ [name]: text });
    expect(values).toEqual({});
    expect(problems).toEqual([{ name, received, setIn: 'environment', remedy }]);
  });

  it('has a test for each variable that can be wrong', () => {
    const tested = new Set(WRONG.map(([name]) => name));
    const fallible = Object.entries(VARIABLES).filter(([, { kind }]) => kind !== 'text');
    expect(fallible.map(([name]) => name).filter((name) => !tested.has(name))).toEqual([]);
  });

  it.each(Object.keys(VARIABLES))('takes an empty or blank %s for one that is not set', (name) => {
    expect(read({ [name]: '' })).toEqual({ values: {}, problems: [] });
    expect(read({ [name]: '  ' })).toEqual({ values: {}, problems: [] });
  });

  it.each([
    ['true', true],
    ['TRUE', true],
    ['True', true],
    ['false', false],
    ['FALSE', false],
  ])('reads the boolean %s', (text, expected) => {
    expect(read({ OTEL_SDK_DISABLED: text }).values).toEqual({ OTEL_SDK_DISABLED: expected });
  });

  it('reads lists without regard to case, blanks and repetition', () => {
    expect(read({ OTEL_PROPAGATORS: ' B3 ,tracecontext,,b3 ' }).values).toEqual({
      OTEL_PROPAGATORS: ['b3', 'tracecontext'],
    });
  });

  it('keeps what it knows of a list and names the rest', () => {
    const { values, problems } = read({ OTEL_TRACES_EXPORTER: 'otlp,zipkin' });
    expect(values).toEqual({ OTEL_TRACES_EXPORTER: ['otlp'] });
    expect(problems).toMatchObject([{ received: '"otlp,zipkin"' }]);
  });

  it('empties a list that contains none', () => {
    expect(read({ OTEL_TRACES_EXPORTER: 'none' }).values).toEqual({ OTEL_TRACES_EXPORTER: [] });
  });

  it('decodes resource attributes and keeps equal signs of the value', () => {
    expect(read({ OTEL_RESOURCE_ATTRIBUTES: ' team = a%2Cb , q=x=y,empty=,' }).values).toEqual({
      OTEL_RESOURCE_ATTRIBUTES: { team: 'a,b', q: 'x=y', empty: '' },
    });
  });

  it('takes an attribute called __proto__ for an attribute', () => {
    const { values } = read({ OTEL_RESOURCE_ATTRIBUTES: '__proto__=x' });
    expect(Object.entries((values.OTEL_RESOURCE_ATTRIBUTES as object | undefined) ?? {})).toEqual([
      ['__proto__', 'x'],
    ]);
  });

  it('reads only the variables of the table', () => {
    expect(read({ PATH: '/bin', OTEL_SOMETHING: 'x' })).toEqual({ values: {}, problems: [] });
  });
});

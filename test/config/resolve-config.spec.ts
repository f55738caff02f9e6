import { AlwaysOnSampler, type SpanProcessor } from '@opentelemetry/sdk-trace';

import { resolveConfig } from '../../lib/config/resolve-config.js';
import { type TelemetryOptions } from '../../lib/config/telemetry-options.js';
import { TelemetryError } from '../../lib/errors/telemetry.error.js';
import { resolve } from './resolve.js';

const errorOf = (options: unknown): TelemetryError => {
  try {
    resolve(options as TelemetryOptions);
  } catch (error) {
    if (error instanceof TelemetryError) return error;
    throw error;
  }
  throw new Error('the options were accepted');
};

describe('resolveConfig()', () => {
  describe('without options and variables', () => {
    it('sends nothing anywhere and offers metrics on /metrics', () => {
      const config = resolve();
      expect([config.traces.otlp, config.traces.jaeger, config.metrics.otlp, config.logs.otlp]).toEqual([
        [],
        [],
        [],
        [],
      ]);
      expect(config.traces.console).toBe(false);
      expect(config.metrics.prometheus).toEqual({
        path: '/metrics',
        port: undefined,
        host: 'localhost',
        guards: [],
        prefix: undefined,
      });
    });

    it('samples everything, propagates the W3C headers, and keeps the deadlines of the documentation', () => {
      const config = resolve();
      expect(config.enabled).toBe(true);
      expect(config.traces.sampler).toEqual({ name: 'parentbased_always_on', ratio: 1 });
      expect(config.propagators).toEqual(['tracecontext', 'baggage']);
      expect(config.shutdownTimeoutMs).toBe(5000);
      expect(config.metrics.exportIntervalMillis).toBe(60_000);
      expect(config.metrics.exportTimeoutMillis).toBe(30_000);
      expect(config.warnings).toEqual([]);
    });

    it('leaves the limits of batches and counts to the specification, and bounds texts and bytes', () => {
      const config = resolve();
      expect([config.traces.batch, config.logs.batch]).toEqual([{}, {}]);
      expect(config.traces.limits).toEqual({ attributeValueLengthLimit: 16_384 });
      expect(config.logs.attributeValueLength).toBe(16_384);
      expect(config.limits).toEqual({ queueBytes: 33_554_432 });
    });

    it('prefers limits in code to variables, and variables of a signal to the common one; 0 is none', () => {
      const env = {
        OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: '10',
        OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT: '20',
        OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT: '30',
        TELEMETRY_QUEUE_BYTES: '40',
      };
      const lengths = ({ traces, logs, limits }: ReturnType<typeof resolve>) => [
        traces.limits.attributeValueLengthLimit,
        logs.attributeValueLength,
        limits.queueBytes,
      ];
      expect(lengths(resolve({}, env))).toEqual([20, 30, 40]);
      expect(lengths(resolve({}, { OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: '10' }))).toEqual([10, 10, 33_554_432]);
      expect(lengths(resolve({ limits: { attributeValueLength: 1, queueBytes: 2 } }, env))).toEqual([
        1, 1, 2,
      ]);
      expect(lengths(resolve({ limits: { attributeValueLength: 0 } }, env))).toEqual([
        Infinity,
        Infinity,
        40,
      ]);
    });
  });

  describe('identity', () => {
    const findPackage = () => ({ name: 'from-package', version: '3.2.1' });

    it('takes name and version from the package of the application when nothing else sets them', () => {
      const config = resolve({}, {}, { findPackage });
      expect([config.serviceName, config.serviceVersion]).toEqual(['from-package', '3.2.1']);
    });

    it('falls back to the name of the specification when there is no package', () => {
      const config = resolve();
      expect([config.serviceName, config.serviceVersion]).toEqual(['unknown_service:node', 'unknown']);
    });

    it('does not look for a package when name and version are configured', () => {
      const search = jest.fn(findPackage);
      resolve({ serviceName: 'orders', serviceVersion: '1.0.0' }, {}, { findPackage: search });
      expect(search).not.toHaveBeenCalled();
    });

    it('prefers code to OTEL_SERVICE_NAME, and that to OTEL_RESOURCE_ATTRIBUTES', () => {
      const env = { OTEL_SERVICE_NAME: 'from-env', OTEL_RESOURCE_ATTRIBUTES: 'service.name=from-attributes' };
      expect(resolve({ serviceName: 'from-code' }, env).serviceName).toBe('from-code');
      expect(resolve({}, env).serviceName).toBe('from-env');
      expect(resolve({}, { ...env, OTEL_SERVICE_NAME: '' }, { findPackage }).serviceName).toBe(
        'from-attributes',
      );
    });

    it('takes the version from OTEL_RESOURCE_ATTRIBUTES before the package', () => {
      const env = { OTEL_RESOURCE_ATTRIBUTES: 'service.version=9.9.9' };
      expect(resolve({}, env, { findPackage }).serviceVersion).toBe('9.9.9');
      expect(resolve({ serviceVersion: '1.0.0' }, env, { findPackage }).serviceVersion).toBe('1.0.0');
    });

    it.each([
      [{ environment: 'code' }, { OTEL_ENVIRONMENT: 'env', NODE_ENV: 'node' }, 'code'],
      [{}, { OTEL_ENVIRONMENT: 'env', NODE_ENV: 'node' }, 'env'],
      [{}, { OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=attr', NODE_ENV: 'node' }, 'attr'],
      [{}, { OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment=former', NODE_ENV: 'node' }, 'former'],
      [{}, { NODE_ENV: 'node' }, 'node'],
      [{}, {}, 'development'],
    ])('decides the environment of %j and %j as %s', (options, env, expected) => {
      expect(resolve(options, env).environment).toBe(expected);
    });

    it('merges resource attributes by name, code over environment, without the three that are decided', () => {
      const config = resolve(
        { resourceAttributes: { team: 'orders', 'cloud.region': undefined } },
        { OTEL_RESOURCE_ATTRIBUTES: 'team=platform,zone=eu%2Dwest,service.name=x' },
      );
      expect(config.resourceAttributes).toEqual({ team: 'orders', zone: 'eu-west' });
    });

    it('reads the pod from the variables of the downward API, below OTEL_RESOURCE_ATTRIBUTES', () => {
      const { resourceAttributes } = resolve(
        {},
        {
          K8S_POD_NAME: 'orders-7d9f',
          K8S_POD_UID: 'a1',
          K8S_NAMESPACE_NAME: 'shop',
          K8S_NODE_NAME: 'node-3',
          K8S_CONTAINER_NAME: 'app',
          OTEL_RESOURCE_ATTRIBUTES: 'k8s.node.name=node-4',
        },
      );
      expect(resourceAttributes).toEqual({
        'k8s.pod.name': 'orders-7d9f',
        'k8s.pod.uid': 'a1',
        'k8s.namespace.name': 'shop',
        'k8s.node.name': 'node-4',
        'k8s.container.name': 'app',
      });
    });
  });

  describe('enabled', () => {
    it.each([
      [{}, {}, true],
      [{ enabled: false }, {}, false],
      [{}, { OTEL_SDK_DISABLED: 'true' }, false],
      [{}, { OTEL_SDK_DISABLED: 'TRUE' }, false],
      [{}, { OTEL_SDK_DISABLED: 'false' }, true],
      [{ enabled: true }, { OTEL_SDK_DISABLED: 'true' }, true],
      [{ enabled: false }, { OTEL_SDK_DISABLED: 'false' }, false],
    ])('of %j and %j is %s', (options, env, expected) => {
      expect(resolve(options, env).enabled).toBe(expected);
    });
  });

  describe('sampling', () => {
    const ratioEnv = { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.25' };

    it.each([
      [{ sampling: 0.1 }, {}, { name: 'parentbased_traceidratio', ratio: 0.1 }],
      [{ sampling: { ratio: 0.1 } }, {}, { name: 'parentbased_traceidratio', ratio: 0.1 }],
      [{ sampling: { sampler: 'always_off' as const } }, ratioEnv, { name: 'always_off', ratio: 1 }],
      [{ sampling: { sampler: 'traceidratio' as const } }, ratioEnv, { name: 'traceidratio', ratio: 0.25 }],
      [{ sampling: { keep: true } }, {}, { name: 'parentbased_traceidratio', ratio: 0.1 }],
      [{ sampling: { keep: {} } }, { OTEL_TRACES_SAMPLER: 'always_on' }, { name: 'always_on', ratio: 1 }],
      [{ sampling: { keep: true } }, ratioEnv, { name: 'traceidratio', ratio: 0.25 }],
      [{ sampling: { keep: true, ratio: 0.5 } }, {}, { name: 'parentbased_traceidratio', ratio: 0.5 }],
      [{ sampling: { keep: false } }, {}, { name: 'parentbased_always_on', ratio: 1 }],
      [{ sampling: { ratio: 0.1 } }, ratioEnv, { name: 'traceidratio', ratio: 0.1 }],
      [
        { sampling: 0.1 },
        { OTEL_TRACES_SAMPLER: 'always_on' },
        { name: 'parentbased_traceidratio', ratio: 0.1 },
      ],
      [{}, ratioEnv, { name: 'traceidratio', ratio: 0.25 }],
      [{}, { OTEL_TRACES_SAMPLER: 'ALWAYS_ON' }, { name: 'always_on', ratio: 1 }],
      [
        {},
        { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio' },
        { name: 'parentbased_traceidratio', ratio: 1 },
      ],
    ])('of %j and %j is decided', (options, env, expected) => {
      expect(resolve(options, env).traces.sampler).toEqual(expected);
    });

    it('has no rules and keeps nothing beyond the sampler by default', () => {
      expect(resolve().traces).toMatchObject({ rules: [], keep: undefined });
      expect(resolve({ sampling: { keep: false } }).traces.keep).toBeUndefined();
    });

    it.each([true as const, {}])('keeps what failed, within bounds, with %j', (keep) => {
      expect(resolve({ sampling: { keep } }).traces.keep).toEqual({
        errors: true,
        slowerThanMs: undefined,
        maxTraces: 2000,
        maxSpans: 10_000,
        decisionTimeoutMs: 30_000,
      });
    });

    it('keeps a sampler instance as it is', () => {
      const sampler = new AlwaysOnSampler();
      expect(resolve({ sampling: { sampler } }, ratioEnv).traces.sampler).toBe(sampler);
    });
  });

  describe('logging', () => {
    it.each([
      [{}, { NODE_ENV: 'production' }, 'info', 'json'],
      [{ environment: 'prod' }, {}, 'info', 'json'],
      [{}, { OTEL_ENVIRONMENT: 'Production' }, 'info', 'json'],
      [{}, { OTEL_ENVIRONMENT: 'staging', NODE_ENV: 'production' }, 'debug', 'text'],
      [{}, {}, 'debug', 'text'],
      [{}, { OTEL_LOG_LEVEL: 'WARN' }, 'warn', 'text'],
      [{}, { OTEL_LOG_LEVEL: 'none' }, 'silent', 'text'],
      [{}, { OTEL_LOG_LEVEL: 'verbose' }, 'trace', 'text'],
      [{}, { OTEL_LOG_LEVEL: 'all' }, 'trace', 'text'],
      [
        { logging: { level: 'error' as const, format: 'json' as const } },
        { OTEL_LOG_LEVEL: 'warn' },
        'error',
        'json',
      ],
      [{ logging: true }, {}, 'debug', 'text'],
    ])('of %j and %j has level %s and format %s', (options, env, level, format) => {
      expect(resolve(options, env).logging).toMatchObject({ enabled: true, level, format });
    });

    it('is pretty where a person reads standard output, unless the form or a place for lines is chosen', () => {
      const formatOf = (options: TelemetryOptions, env: NodeJS.ProcessEnv = {}) =>
        resolve(options, env, { isTerminal: true }).logging.format;
      expect(formatOf({})).toBe('pretty');
      expect(formatOf({ environment: 'staging' })).toBe('pretty');
      expect(formatOf({ environment: 'production' })).toBe('json');
      expect(formatOf({}, { NODE_ENV: 'test' })).toBe('text');
      expect(formatOf({ logging: { format: 'text' } })).toBe('text');
      expect(formatOf({ logging: { destination: { write: () => undefined } } })).toBe('text');
      expect(formatOf({ logging: { pino: { transport: { target: 'pino-pretty' } } } })).toBe('text');
      expect(resolve({ environment: 'production', logging: { format: 'pretty' } }).logging.format).toBe(
        'pretty',
      );
    });

    it('is left alone when it is false', () => {
      expect(resolve({ logging: false }).logging.enabled).toBe(false);
    });

    it('correlates, logs for Nest and writes request lines by default', () => {
      expect(resolve().logging).toMatchObject({
        nestLogger: true,
        requestLog: true,
        spanEvents: true,
        redact: [],
      });
      const off = { nestLogger: false, requestLog: false, spanEvents: false, redact: ['password'] };
      expect(resolve({ logging: off }).logging).toMatchObject(off);
    });
  });

  describe('instrumentation', () => {
    it('is all on by default and all off when it is false', () => {
      const on = resolve().instrumentation;
      const off = resolve({ instrumentation: false }).instrumentation;
      expect(Object.keys(on).length).toBeGreaterThan(10);
      expect(Object.entries(on).filter(([, value]) => value === undefined || value === false)).toEqual([]);
      expect(Object.entries(off).filter(([, value]) => value !== undefined && value !== false)).toEqual([]);
    });

    it('switches one off and leaves the others on', () => {
      expect(resolve({ instrumentation: { pg: false } }).instrumentation).toMatchObject({
        pg: false,
        redis: true,
      });
    });

    it('ignores health checks and the configured scrape path', () => {
      expect(
        resolve({ prometheus: { path: '/internal/metrics' }, dashboard: false }).instrumentation.httpServer
          ?.ignore,
      ).toEqual([
        '/internal/metrics',
        '/health',
        '/health/*',
        '/healthz',
        '/livez',
        '/readyz',
        '/ready',
        '/live',
      ]);
    });

    it('replaces the health checks by a list of its own, and never records the scrape path', () => {
      const ping = /^\/ping/;
      const instrumentation = { httpServer: { ignore: [ping] } };
      const { httpServer } = resolve({ dashboard: false, instrumentation }).instrumentation;
      expect(httpServer?.ignore).toEqual(['/metrics', ping]);
    });

    it('takes the keys of baggage from code, else from the environment', () => {
      const env = { TELEMETRY_BAGGAGE_FIELDS: ' tenant.id, plan,' };
      expect(resolve({}, {}).propagation.baggageFields).toEqual([]);
      expect(resolve({}, env).propagation.baggageFields).toEqual(['tenant.id', 'plan']);
      expect(resolve({ propagation: { baggageFields: ['a'] } }, env).propagation.baggageFields).toEqual([
        'a',
      ]);
    });

    it('shows clients no trace, unless code or environment says so; code wins', () => {
      const shown = (httpServer: object | true, env: Record<string, string> = {}): unknown => {
        const { responseHeaders, traceIdInErrors } =
          resolve({ instrumentation: { httpServer } }, env).instrumentation.httpServer ?? {};
        return { responseHeaders, traceIdInErrors };
      };
      const env = {
        TELEMETRY_HTTP_RESPONSE_HEADERS: 'server-timing, traceresponse',
        TELEMETRY_HTTP_TRACE_ID_IN_ERRORS: 'true',
      };
      expect(shown(true)).toEqual({ responseHeaders: [], traceIdInErrors: false });
      expect(shown(true, env)).toEqual({
        responseHeaders: ['server-timing', 'traceresponse'],
        traceIdInErrors: true,
      });
      expect(shown({ responseHeaders: [], traceIdInErrors: false }, env)).toEqual({
        responseHeaders: [],
        traceIdInErrors: false,
      });
    });
  });

  describe('prometheus', () => {
    it.each([
      [{}, { OTEL_EXPORTER_PROMETHEUS_PORT: '9464' }, { port: 9464, host: 'localhost' }],
      [
        {},
        { OTEL_EXPORTER_PROMETHEUS_PORT: '9464', OTEL_EXPORTER_PROMETHEUS_HOST: '0.0.0.0' },
        { port: 9464, host: '0.0.0.0' },
      ],
      [
        { prometheus: { port: 1, host: 'a' } },
        { OTEL_EXPORTER_PROMETHEUS_PORT: '9464' },
        { port: 1, host: 'a' },
      ],
    ])('of %j and %j listens on %j', (options, env, expected) => {
      expect(resolve(options, env).metrics.prometheus).toMatchObject(expected);
    });

    it.each([
      [{ enablePrometheus: false }, {}, false],
      [{ enablePrometheus: true }, { OTEL_METRICS_EXPORTER: 'none' }, true],
      [{}, { OTEL_METRICS_EXPORTER: 'none' }, false],
      [{}, { OTEL_METRICS_EXPORTER: 'otlp' }, false],
      [{}, { OTEL_METRICS_EXPORTER: 'otlp,prometheus' }, true],
    ])('of %j and %j is offered: %s', (options, env, offered) => {
      expect(resolve(options, env).metrics.prometheus !== undefined).toBe(offered);
    });
  });

  describe('limits of the environment', () => {
    it('gives the batch processors theirs', () => {
      const config = resolve(
        {},
        {
          OTEL_BSP_SCHEDULE_DELAY: '1',
          OTEL_BSP_EXPORT_TIMEOUT: '2',
          OTEL_BSP_MAX_QUEUE_SIZE: '3',
          OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '4',
          OTEL_BLRP_SCHEDULE_DELAY: '5',
          OTEL_BLRP_EXPORT_TIMEOUT: '6',
          OTEL_BLRP_MAX_QUEUE_SIZE: '7',
          OTEL_BLRP_MAX_EXPORT_BATCH_SIZE: '8',
        },
      );
      expect(config.traces.batch).toEqual({
        scheduledDelayMillis: 1,
        exportTimeoutMillis: 2,
        maxQueueSize: 3,
        maxExportBatchSize: 4,
      });
      expect(config.logs.batch).toEqual({
        scheduledDelayMillis: 5,
        exportTimeoutMillis: 6,
        maxQueueSize: 7,
        maxExportBatchSize: 8,
      });
    });

    it('gives spans theirs, the names of spans before the common ones', () => {
      const env = {
        OTEL_ATTRIBUTE_COUNT_LIMIT: '1',
        OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: '2',
        OTEL_SPAN_EVENT_COUNT_LIMIT: '3',
        OTEL_SPAN_LINK_COUNT_LIMIT: '4',
        OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT: '5',
        OTEL_LINK_ATTRIBUTE_COUNT_LIMIT: '6',
      };
      const common = {
        attributeCountLimit: 1,
        attributeValueLengthLimit: 2,
        eventCountLimit: 3,
        linkCountLimit: 4,
        attributePerEventCountLimit: 5,
        attributePerLinkCountLimit: 6,
      };
      expect(resolve({}, env).traces.limits).toEqual(common);
      const forSpans = { OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: '7', OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT: '8' };
      expect(resolve({}, { ...env, ...forSpans }).traces.limits).toEqual({
        ...common,
        attributeCountLimit: 7,
        attributeValueLengthLimit: 8,
      });
    });

    it('gives log records their number of attributes, before the common one', () => {
      const common = { OTEL_ATTRIBUTE_COUNT_LIMIT: '1' };
      expect(resolve({}, {}).logs.attributeCount).toBe(128);
      expect(resolve({}, common).logs.attributeCount).toBe(1);
      const own = { ...common, OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT: '0' };
      expect(resolve({}, own).logs.attributeCount).toBe(0);
    });

    it('exports metrics at the interval of code, else of the variable, and never lets an export take longer', () => {
      const env = { OTEL_METRIC_EXPORT_INTERVAL: '1000' };
      expect(resolve({ metricExportIntervalMs: 500 }, env).metrics).toMatchObject({
        exportIntervalMillis: 500,
        exportTimeoutMillis: 500,
      });
      expect(resolve({}, env).metrics.exportIntervalMillis).toBe(1000);
    });

    it('cuts the default export timeout of metrics to a shorter interval without a word', () => {
      const config = resolve({}, { OTEL_METRIC_EXPORT_INTERVAL: '1000' });
      expect(config.metrics).toMatchObject({ exportIntervalMillis: 1000, exportTimeoutMillis: 1000 });
      expect(config.warnings).toEqual([]);
    });
  });

  describe('propagators', () => {
    it.each([
      [{}, { OTEL_PROPAGATORS: 'b3, baggage,b3' }, ['b3', 'baggage']],
      [{}, { OTEL_PROPAGATORS: 'none' }, []],
      [{ propagators: ['b3multi' as const] }, { OTEL_PROPAGATORS: 'b3' }, ['b3multi']],
      [{ propagators: [] }, {}, []],
    ])('of %j and %j are %j', (options, env, expected) => {
      expect(resolve(options, env).propagators).toEqual(expected);
    });
  });

  describe('warnings', () => {
    it.each([
      [{ OTEL_TRACES_SAMPLER_ARG: '0.1' }, {}, 'OTEL_TRACES_SAMPLER=parentbased_traceidratio'],
      [{ OTEL_TRACES_SAMPLER_ARG: '0.1', OTEL_TRACES_SAMPLER: 'always_on' }, {}, 'OTEL_TRACES_SAMPLER_ARG'],
      [{ OTEL_EXPORTER_PROMETHEUS_HOST: '0.0.0.0' }, {}, 'Set OTEL_EXPORTER_PROMETHEUS_PORT with it'],
      [{ OTEL_METRIC_EXPORT_INTERVAL: '10', OTEL_METRIC_EXPORT_TIMEOUT: '20' }, {}, 'Write at most 10.'],
      [{ OTEL_TRACES_EXPORTER: 'console' }, { otlpEndpoint: 'otlp:4317' }, 'leaves out the otlpEndpoint'],
      [{ OTEL_TRACES_EXPORTER: 'otlp' }, { jaegerEndpoint: 'jaeger' }, 'leaves out the jaegerEndpoint'],
      [{ OTEL_METRICS_EXPORTER: 'prometheus' }, { otlpEndpoint: 'otlp:4317' }, 'OTEL_METRICS_EXPORTER'],
    ])('say that %j with %j does less than it seems', (env, options, part) => {
      const { warnings } = resolve(options, env);
      expect(warnings).toHaveLength(1);
      expect(warnings[0]).toContain(part);
    });

    it('stay silent when a destination of code is switched off on purpose', () => {
      expect(resolve({ otlpEndpoint: 'otlp:4317' }, { OTEL_TRACES_EXPORTER: 'none' }).warnings).toEqual([]);
    });

    it('say what a wrong variable was, and what holds without it applies', () => {
      const config = resolve({}, { OTEL_PROPAGATORS: 'w3c', OTEL_LOG_LEVEL: 'loud' });
      expect(config.propagators).toEqual(['tracecontext', 'baggage']);
      expect(config.logging.level).toBe('debug');
      expect(config.warnings).toEqual([
        'OTEL_PROPAGATORS in the environment is "w3c", which cannot be used. ' +
          'Ignored: w3c. Known values: tracecontext, baggage, b3, b3multi, none.',
        'OTEL_LOG_LEVEL in the environment is "loud", which cannot be used. ' +
          'Write one of trace, debug, info, warn, error, fatal, silent, none, verbose, all.',
      ]);
    });
  });

  describe('with wrong options', () => {
    it('throws one TelemetryError that lists every problem with value, place and remedy', () => {
      const error = errorOf({ jaegerEndpoint: 'localhost:99999', sampling: 2, serviceNam: 'x' });
      expect(error.code).toBe('TELEMETRY_INVALID_OPTIONS');
      expect(error.message).toBe(
        [
          '3 telemetry options are wrong, so the application was not started:',
          '',
          '  1. jaegerEndpoint',
          '     received: "localhost:99999"',
          '     set in:   TelemetryModule.forRoot()',
          '     remedy:   Write a port from 1 to 65535 after the host, for example localhost:6831 or http://localhost:4318.',
          '',
          '  2. sampling',
          '     received: 2',
          '     set in:   TelemetryModule.forRoot()',
          '     remedy:   Write a number from 0 to 1, for example 0.1 for one trace in ten.',
          '',
          '  3. serviceNam',
          '     received: a string',
          '     set in:   TelemetryModule.forRoot()',
          '     remedy:   There is no such option. Did you mean serviceName?',
          '',
        ].join('\n'),
      );
      expect(error.problems.map(({ name }) => name)).toEqual(['jaegerEndpoint', 'sampling', 'serviceNam']);
    });

    it('names where the options were set', () => {
      expect(() =>
        resolveConfig({ shutdownTimeoutMs: -1 }, { env: {}, setIn: 'configureTelemetry()' }),
      ).toThrow('set in:   configureTelemetry()');
    });

    it('does not throw for any wrong variable', () => {
      expect(() =>
        resolve({}, { OTEL_TRACES_SAMPLER: '?', OTEL_EXPORTER_OTLP_ENDPOINT: 'ftp://x' }),
      ).not.toThrow();
    });
  });

  describe('freezing', () => {
    const processor: SpanProcessor = {
      onStart: () => undefined,
      onEnd: () => undefined,
      forceFlush: () => Promise.resolve(),
      shutdown: () => Promise.resolve(),
    };

    it('freezes everything of its own, to the last array', () => {
      const config = resolve(
        {
          otlpEndpoint: 'otlp:4317',
          jaegerEndpoint: 'jaeger',
          resourceAttributes: { tags: ['a'] },
          otlpHeaders: { a: 'b' },
          sampling: {
            rules: [{ name: 'a', attributes: { a: 1 }, ratio: 1, keep: { errors: false } }],
            keep: true,
          },
        },
        { OTEL_BSP_SCHEDULE_DELAY: '1' },
      );
      expect(mutableParts(config)).toEqual([]);
    });

    it('leaves what the user passed in as it is', () => {
      const owned = {
        spanProcessors: [processor],
        sampling: { sampler: new AlwaysOnSampler() },
        logging: { destination: { write: () => undefined }, redact: ['a'], pino: { base: { a: 1 } } },
        instrumentation: { httpServer: { ignore: [/a/g] } },
      };
      resolve(owned);
      expect(mutableParts(owned).sort()).toEqual(
        [
          '',
          '.spanProcessors',
          '.spanProcessors.0',
          '.sampling',
          '.sampling.sampler',
          '.logging',
          '.logging.destination',
          '.logging.redact',
          '.logging.pino',
          '.logging.pino.base',
          '.instrumentation',
          '.instrumentation.httpServer',
          '.instrumentation.httpServer.ignore',
          '.instrumentation.httpServer.ignore.0',
        ].sort(),
      );
    });
  });
});

/** Paths of all objects below `value` that can still be changed. */
function mutableParts(value: unknown, path = ''): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const inside = Object.entries(value).flatMap(([key, part]) => mutableParts(part, `${path}.${key}`));
  return Object.isFrozen(value) ? inside : [path, ...inside];
}

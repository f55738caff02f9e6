import { closeReceivers, type OtlpReceiver, startHttpReceiver } from '../exporters/otlp/otlp-receiver.js';
import { Service } from '../faults/service.js';
import { describeWithAll, poll } from './backend-processes.js';
import { CollectorServer } from './collector-server.js';
import { readDashboards, readDataSources, readQueries, readRules, RULES } from './grafana-queries.js';
import { PrometheusServer } from './prometheus-server.js';
import { namesIn } from './promql-names.js';
import { SampleSystem } from './sample-system.js';

jest.setTimeout(240_000);

/** Prometheus adds these to every series that it scrapes. */
const OF_PROMETHEUS = ['job', 'instance'];
/** In place of Jaeger and ClickHouse nothing: metrics need neither, and what cannot be handed on is what alerts are about. */
const WITHOUT_OTHERS = `yaml:${JSON.stringify({
  exporters: { otlp_http: { endpoint: 'http://127.0.0.1:9', retry_on_failure: { enabled: false } } },
  service: {
    pipelines: {
      traces: { processors: ['memory_limiter'], exporters: ['otlp_http'] },
      metrics: { processors: ['memory_limiter'], exporters: ['prometheus', 'otlp_http'] },
      logs: { processors: ['memory_limiter'], exporters: ['otlp_http'] },
    },
  },
})}`;

describeWithAll(['collector', 'prometheus'], 'Grafana, its alerts and rules', (paths) => {
  const running: { stop(): Promise<unknown> }[] = [];
  let system: SampleSystem;
  let lossy: Service;
  let refused: Service;
  let receiver: OtlpReceiver;
  let collector: CollectorServer;
  /** One that scrapes the services, one that scrapes the Collector to which they send. */
  let prometheuses: { readonly services: PrometheusServer; readonly collector: PrometheusServer };
  /** Labels of each metric, by its name in /metrics. */
  let emitted: ReadonlyMap<string, ReadonlySet<string>>;

  beforeAll(async () => {
    collector = await CollectorServer.start(paths.collector, { configs: ['collector.yaml', WITHOUT_OTHERS] });
    running.unshift(collector);
    system = await SampleSystem.start({
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint('http/protobuf'),
      OTEL_METRIC_EXPORT_INTERVAL: '1000',
    });
    running.unshift(system);
    // Its traces and log lines go nowhere, and its queues are small.
    lossy = await Service.start(
      { serviceName: 'lossy' },
      {
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://127.0.0.1:9/v1/traces',
        OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: 'http://127.0.0.1:9/v1/logs',
        OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: `${collector.endpoint('http/protobuf')}/v1/metrics`,
        OTEL_METRIC_EXPORT_INTERVAL: '1000',
        OTEL_BSP_MAX_QUEUE_SIZE: '10',
        OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '5',
        OTEL_BLRP_MAX_QUEUE_SIZE: '10',
        OTEL_BLRP_MAX_EXPORT_BATCH_SIZE: '5',
      },
    );
    running.unshift(lossy);
    // All that it sends is refused for good.
    receiver = await startHttpReceiver(404);
    refused = await Service.start(
      {
        serviceName: 'refused',
        otlpEndpoint: `http://127.0.0.1:${receiver.port}`,
        store: { file: ':memory:' },
      },
      {
        OTEL_METRIC_EXPORT_INTERVAL: '1000',
        OTEL_BSP_SCHEDULE_DELAY: '100',
        OTEL_BLRP_SCHEDULE_DELAY: '100',
      },
    );
    running.unshift(refused);
    const rule_files = [RULES];
    const scrape = (job_name: string, url: string) => ({
      job_name,
      static_configs: [{ targets: [new URL(url).host] }],
    });
    const services = await PrometheusServer.start(paths.prometheus, {
      rule_files,
      scrape_configs: [
        scrape('api_gateway', system.gateway),
        scrape('orchestrator', system.orchestrator),
        scrape('background_worker', system.worker),
        scrape('lossy', lossy.url),
        scrape('refused', refused.url),
      ],
    });
    running.unshift(services);
    const ofCollector = await PrometheusServer.start(paths.prometheus, {
      rule_files,
      scrape_configs: [
        { ...scrape('fleet', `http://${collector.host}:8889`), honor_labels: true },
        scrape('collector', `http://${collector.host}:8888`),
      ],
    });
    running.unshift(ofCollector);
    prometheuses = { services, collector: ofCollector };

    const texts = await poll('losses of each kind', async () => {
      await traffic();
      const own = await textOf(`http://${collector.host}:8888/metrics`);
      const [ofLossy = '', ofRefused = '', ...others] = await Promise.all(
        [lossy, refused, ...[system.gateway, system.orchestrator, system.worker].map((url) => ({ url }))].map(
          ({ url }) => textOf(`${url}/metrics`),
        ),
      );
      const isComplete =
        (ofLossy.match(/^otel_sdk_processor_\w+_processed_total\{.*error_type/gm) ?? []).length === 2 &&
        (ofRefused.match(/^otel_sdk_exporter_\w+_exported_total\{.*error_type/gm) ?? []).length === 3 &&
        (own.match(/^otelcol_exporter_send_failed_(?:spans|log_records|metric_points)\{/gm) ?? []).length ===
          3;
      return isComplete && [own, ofLossy, ofRefused, ...others];
    });
    emitted = labelsByName(texts.join('\n'));
  });
  afterAll(async () => {
    for (const server of running) await server.stop();
    await closeReceivers();
  });

  /** A request that succeeds, one that fails, and some of which telemetry is lost. */
  async function traffic(): Promise<void> {
    await system.process({ text: 'good' });
    await system.process({ text: 'bad', simulate: { llm: 'fail' } });
    for (const service of [lossy, refused])
      for (let index = 0; index < 5; index += 1) await service.request();
  }

  it('name only metrics and labels that the library emits, or that a rule records', () => {
    const rules = readRules();
    const known = new Map<string, ReadonlySet<string>>(emitted);
    for (const { record, expr, labels = {} } of rules)
      if (record !== undefined) {
        const ofExpression = namesIn(expr).flatMap((named) => [...named.labels]);
        known.set(record, new Set([...(known.get(record) ?? []), ...ofExpression, ...Object.keys(labels)]));
      }
    const queries = [
      ...readQueries(),
      ...rules.map(({ record, alert, expr }) => [record ?? alert ?? '', expr] as const),
    ];
    const unknown = queries.flatMap(([place, query]) =>
      namesIn(query).flatMap(({ metric, labels }) => {
        const has = known.get(metric);
        if (has === undefined) return [`${place}: ${metric}`];
        return [...labels]
          .filter((label) => !has.has(label) && !OF_PROMETHEUS.includes(label))
          .map((label) => `${place}: ${metric}{${label}}`);
      }),
    );
    expect(unknown).toEqual([]);
    expect(queries.length).toBeGreaterThan(30);
  });

  it.each(['services', 'collector'] as const)(
    'give data for every query where Prometheus scrapes the %s',
    async (scraped) => {
      const prometheus = prometheuses[scraped];
      let empty: string[] = [];
      await poll('data for every query', async () => {
        await traffic();
        const answers = await Promise.all(
          readQueries().map(async ([place, query]) => {
            const results = await prometheus.query(query);
            return results.some(({ value: [, text] }) => text !== 'NaN') ? [] : [`${place}: ${query}`];
          }),
        );
        empty = answers.flat();
        return empty.length === 0;
      }).catch(() => undefined);
      expect(empty).toEqual([]);
    },
  );

  it('have rules that Prometheus evaluates without an error, and each recording has a value', async () => {
    for (const prometheus of Object.values(prometheuses)) {
      const { groups } = await poll('an evaluation of all rules', async () => {
        const answer = await prometheus.get<{ groups: { rules: EvaluatedRule[] }[] }>('rules');
        return (
          answer.groups.every(({ rules }) => rules.every(({ health }) => health !== 'unknown')) && answer
        );
      });
      const rules = groups.flatMap((group) => group.rules);
      expect(rules.filter(({ health }) => health !== 'ok')).toEqual([]);
      expect(rules.map(({ name }) => name).sort()).toEqual(
        readRules()
          .map(({ record, alert }) => record ?? alert)
          .sort(),
      );
      for (const { name, type } of rules)
        if (type === 'recording') await poll(name, async () => (await prometheus.query(name)).length > 0);
    }
  });

  it('alert about lost telemetry of the services that lose it, and of no other', async () => {
    for (const [scraped, jobs] of [
      ['services', ['lossy', 'refused']],
      ['collector', ['lossy']],
    ] as const) {
      const prometheus = prometheuses[scraped];
      const firing = await poll('the alert', async () => {
        const results = await prometheus.query('ALERTS{alertname="TelemetryLost",alertstate="firing"}');
        return new Set(results.map(({ metric }) => metric.job)).size >= jobs.length && results;
      });
      expect(new Set(firing.map(({ metric }) => metric.job))).toEqual(new Set(jobs));
    }
  });

  it('jump only to data sources that are provisioned', () => {
    const sources = readDataSources();
    const uids = sources.map(({ uid }) => uid);
    const named = [
      ...sources.flatMap(({ jsonData, correlations = [] }) => [
        ...(jsonData.exemplarTraceIdDestinations ?? []).flatMap(({ datasourceUid }) => datasourceUid ?? []),
        ...correlations.map(({ targetUID }) => targetUID),
      ]),
      ...readDashboards().flatMap(({ panels }) => panels.map(({ datasource }) => datasource.uid)),
    ];
    expect(named.filter((uid) => !uids.includes(uid))).toEqual([]);
    expect(new Set(named)).toEqual(new Set(uids));
  });
});

interface EvaluatedRule {
  readonly name: string;
  readonly type: 'recording' | 'alerting';
  readonly health: string;
  readonly lastError?: string;
}

async function textOf(url: string): Promise<string> {
  return (await fetch(url)).text();
}

function labelsByName(text: string): Map<string, Set<string>> {
  const labels = new Map<string, Set<string>>();
  for (const [, name, list = ''] of text.matchAll(/^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? /gm)) {
    const known = labels.get(name!) ?? new Set<string>();
    labels.set(name!, known);
    for (const [, label] of list.matchAll(/(\w+)="(?:[^"\\]|\\.)*"/g)) known.add(label!);
  }
  return labels;
}

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { isMap, parseAllDocuments, visit } from 'yaml';

import { createClickHouseReader } from '../../lib/dashboard/clickhouse/clickhouse-reader.js';
import { describeWithAll, poll } from './backend-processes.js';
import { ClickHouseServer } from './clickhouse-server.js';
import { CollectorServer } from './collector-server.js';
import { JaegerServer } from './jaeger-server.js';
import { PrometheusServer } from './prometheus-server.js';
import { type Processed, SampleSystem } from './sample-system.js';

jest.setTimeout(240_000);

/** Fast traces without an error, of which the Collector keeps a quarter. */
const USUAL = 40;
const AT_A_TIME = 4;
const ENDS = ['api_gateway/POST /process', 'orchestrator/POST /process', 'background_worker/process_job'];

describeWithAll(
  ['collector', 'jaeger', 'prometheus', 'clickhouse'],
  'a real Collector with the file of the compose profile',
  (paths) => {
    let clickhouse: ClickHouseServer;
    let jaeger: JaegerServer;
    let collector: CollectorServer;
    let prometheus: PrometheusServer;
    /** What is running, the last one first. */
    const running: { stop(): Promise<void> }[] = [];
    const started = <T extends { stop(): Promise<void> }>(server: T): T => {
      running.unshift(server);
      return server;
    };

    beforeAll(async () => {
      clickhouse = started(await ClickHouseServer.start(paths.clickhouse, { tables: false }));
      jaeger = started(await JaegerServer.start(paths.jaeger));
      collector = started(
        await CollectorServer.start(paths.collector, {
          configs: ['collector.yaml'],
          env: {
            DECISION_WAIT: '4s',
            BATCH_TIMEOUT: '200ms',
            JAEGER_HOST: jaeger.host,
            // The front of the engine does not unpack what it gets.
            CLICKHOUSE_ENDPOINT: `${clickhouse.url}?compress=none`,
            CLICKHOUSE_USERNAME: clickhouse.username,
            CLICKHOUSE_PASSWORD: clickhouse.password,
            CLICKHOUSE_DATABASE: clickhouse.database,
          },
        }),
      );
      prometheus = started(
        await PrometheusServer.start(paths.prometheus, {
          scrape_configs: [
            {
              job_name: 'collector',
              honor_labels: true,
              static_configs: [{ targets: [`${collector.host}:8889`] }],
            },
          ],
        }),
      );
    });
    afterAll(async () => {
      for (const server of running) await server.stop();
    });

    describe.each(['grpc', 'http/protobuf'] as const)('that gets OTLP over %s', (protocol) => {
      let system: SampleSystem | undefined;
      let slow: Processed;
      let failed: Processed;
      let usual: Processed[];
      /** Which of the usual traces Jaeger has, when all are decided. */
      let kept: string[];

      beforeAll(async () => {
        const sample = await SampleSystem.start({
          OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint(protocol),
          OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
          OTEL_METRIC_EXPORT_INTERVAL: '1000',
          OTEL_RESOURCE_ATTRIBUTES: `service.namespace=${protocol.replace('/', '-')}`,
        });
        system = sample;
        usual = [];
        for (let index = 0; index < USUAL; index += AT_A_TIME) {
          const some = Array.from({ length: AT_A_TIME }, () => sample.process({ text: 'usual' }));
          usual.push(...(await Promise.all(some)));
        }
        slow = await sample.process({ text: 'slow', simulate: { llm: 'slow' } });
        failed = await sample.process({ text: 'failed', simulate: { job: 'fail' } });
        // The decision about the last one comes after those about all others.
        await jaeger.trace(failed.traceId, ENDS);
        const answers = await Promise.all(
          usual.map(async ({ traceId }) => ({ traceId, found: await jaeger.has(traceId) })),
        );
        kept = answers.filter(({ found }) => found).map(({ traceId }) => traceId);
      });
      afterAll(() => system?.stop());

      it('has every trace that failed or was slow in Jaeger, complete', async () => {
        for (const { traceId } of [failed, slow]) {
          const trace = await jaeger.trace(traceId, ENDS);
          const ids = new Set(trace.spans.map(({ spanID }) => spanID));
          const orphans = trace.spans.filter(({ references }) =>
            references.some(({ refType, spanID }) => refType === 'CHILD_OF' && !ids.has(spanID)),
          );
          expect(orphans).toEqual([]);
        }
      });

      it('has a share of the others, each with all of its services', async () => {
        expect(kept.length).toBeGreaterThan(0);
        expect(kept.length).toBeLessThan(USUAL);
        for (const traceId of kept) await jaeger.trace(traceId, ENDS);
      });

      it('has all requests in Prometheus, whatever was kept of their traces', async () => {
        const job = `${protocol.replace('/', '-')}/api_gateway`;
        const all = `sum(http_server_request_duration_seconds_count{job="${job}",http_route="/process"})`;
        await prometheus.expectValue(all, USUAL + 2);
        await prometheus.expectValue(`sum(requests_total{job="${job}",status="200"})`, USUAL + 2);
      });

      it('has exemplars in Prometheus whose trace is that of the request', async () => {
        await prometheus.exemplars('http_server_request_duration_seconds_bucket', failed.traceId);
      });

      it('has the same traces in ClickHouse, with all log lines, where the page reads them', async () => {
        const reader = createClickHouseReader(clickhouse.config());
        try {
          const { trace } = await poll('the trace in ClickHouse', async () => {
            const found = await reader.trace(failed.traceId);
            return found !== undefined && { trace: found };
          });
          const { spans } = await jaeger.trace(failed.traceId, ENDS);
          expect(trace.spans).toHaveLength(spans.length);
          const stored = await clickhouse.read<{ TraceId: string }>(
            `SELECT DISTINCT TraceId FROM ${clickhouse.database}.otel_traces`,
          );
          const ids = stored.map(({ TraceId }) => TraceId);
          expect(usual.map(({ traceId }) => traceId).filter((id) => ids.includes(id))).toEqual(kept);
          await poll('a log line of each request', async () => {
            const lines = await clickhouse.read<{ TraceId: string }>(
              `SELECT DISTINCT TraceId FROM ${clickhouse.database}.otel_logs`,
            );
            const withLines = new Set(lines.map(({ TraceId }) => TraceId));
            return [...usual, slow, failed].every(({ traceId }) => withLines.has(traceId));
          });
        } finally {
          reader.close();
        }
      });
    });
  },
);

/** The YAML blocks of a page that configure a Collector, also inside of a Kubernetes manifest. */
function configurationsIn(page: string): string[] {
  const text = readFileSync(join(__dirname, '../../docs', page), 'utf8');
  const blocks = [...text.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block);
  return blocks.flatMap((block) =>
    parseAllDocuments(block).flatMap((document) => {
      if (isMap(document.contents) && document.has('receivers')) return [String(document)];
      const nested: string[] = [];
      visit(document, {
        Scalar: (_, { value }) => {
          if (typeof value === 'string' && value.includes('receivers:')) nested.push(value);
        },
      });
      return nested;
    }),
  );
}

describeWithAll(['collector'], 'the configurations of a Collector in the docs', ({ collector }) => {
  it.each(['kubernetes.md', 'backends/grafana.md'])('are valid in %s', (page) => {
    const found = configurationsIn(page);
    expect(found).toHaveLength(1);
    for (const configuration of found)
      execFileSync(collector, ['validate', `--config=yaml:${configuration}`], { stdio: 'pipe' });
  });
});

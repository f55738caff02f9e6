import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { freePort } from '../support/free-port.js';
import { BackendProcess, describeWith, poll } from './backend-processes.js';
import { SampleSystem } from './sample-system.js';

interface QueryResult {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

describeWith('prometheus', 'a real Prometheus', (binary) => {
  let folder: string;
  let system: SampleSystem;
  let prometheus: BackendProcess;
  let origin: string;

  async function get<T>(path: string): Promise<T> {
    const response = await fetch(`${origin}/api/v1/${path}`);
    const { data, error } = (await response.json()) as { data: T; error?: string };
    if (error !== undefined) throw new Error(error);
    return data;
  }

  async function query(expression: string): Promise<readonly QueryResult[]> {
    const { result } = await get<{ result: QueryResult[] }>(`query?query=${encodeURIComponent(expression)}`);
    return result;
  }

  /** The value of a query with one result, once it is `expected`. */
  async function expectValue(expression: string, expected: number): Promise<void> {
    let seen: unknown;
    const value = await poll(`${expression} to be ${expected}`, async () => {
      const results = await query(expression);
      seen = results.map(({ metric, value: [, text] }) => `${JSON.stringify(metric)} ${text}`);
      return results.length === 1 && Number(results[0]!.value[1]) === expected && expected;
    }).catch((error: unknown) => {
      throw new Error(`${String(error)}; it gives ${JSON.stringify(seen)}`, { cause: error });
    });
    expect(value).toBe(expected);
  }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'nestjs-telemetry-prometheus-'));
    system = await SampleSystem.start({});
    const port = await freePort();
    origin = `http://127.0.0.1:${port}`;
    const jobs = {
      api_gateway: system.gateway,
      orchestrator: system.orchestrator,
      background_worker: system.worker,
    };
    const config = {
      global: { scrape_interval: '1s', scrape_timeout: '1s' },
      scrape_configs: Object.entries(jobs).map(([job_name, url]) => ({
        job_name,
        static_configs: [{ targets: [new URL(url).host] }],
      })),
    };
    // JSON is YAML, too.
    writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify(config));
    prometheus = await BackendProcess.start(
      [
        binary,
        `--config.file=${join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--enable-feature=exemplar-storage',
      ],
      async () => (await fetch(`${origin}/-/ready`)).ok,
    );
    for (const text of ['one', 'two', 'three']) await system.process({ text });
    await system.process({ text: '' });
    await system.process({ text: 'four', simulate: { job: 'fail' } });
  });
  afterAll(async () => {
    await prometheus.stop();
    await system.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('scrapes all three services without an error', async () => {
    await expectValue('count(up == 1)', 3);
    const { activeTargets } = await get<{ activeTargets: { lastError: string }[] }>('targets?state=active');
    expect(activeTargets.map(({ lastError }) => lastError)).toEqual(['', '', '']);
  });

  it('counts requests by method and status', async () => {
    await expectValue('requests_total{job="api_gateway",method="POST",status="200"}', 4);
    await expectValue('requests_total{job="api_gateway",method="POST",status="400"}', 1);
  });

  it('has the buckets of a histogram, and a quantile can be taken of them', async () => {
    await expectValue('sum(request_duration_ms_count{job="api_gateway"})', 5);
    await expectValue('sum(request_duration_ms_bucket{job="api_gateway",le="+Inf"})', 5);
    const [median] = await query('histogram_quantile(0.5, sum by (le) (request_duration_ms_bucket))');
    expect(Number(median?.value[1])).toBeGreaterThan(50);
    expect(Number(median?.value[1])).toBeLessThan(5_000);
  });

  it('knows the HTTP requests of each service by route, in seconds', async () => {
    const count = 'http_server_request_duration_seconds_count';
    await expectValue(`sum(${count}{job="api_gateway",http_route="/process"})`, 5);
    await expectValue(`sum(${count}{job="orchestrator",http_route="/process"})`, 4);
    await expectValue(`sum(${count}{job="background_worker",http_route="/jobs"})`, 4);
  });

  it('counts jobs that were completed and that failed', async () => {
    await expectValue('sum({__name__=~"jobs_completed(_total)?",job="background_worker"})', 3);
    await expectValue('sum({__name__=~"jobs_failed(_total)?",job="background_worker"})', 1);
  });

  it('knows each service by name and version', async () => {
    await expectValue('count(target_info{service_name=~"api_gateway|orchestrator|background_worker"})', 3);
  });

  it('has exemplars whose traces are those of the requests', async () => {
    // The last test: what the others count must not change.
    const { traceId } = await system.process({ text: 'five' });
    const start = Date.now() / 1_000 - 600;
    const question = (metric: string) =>
      `query_exemplars?query=${metric}&start=${start}&end=${Date.now() / 1_000 + 60}`;
    for (const metric of [
      'requests_total',
      'request_duration_ms_bucket',
      'http_server_request_duration_seconds_bucket',
    ]) {
      const traceIds = await poll(`an exemplar of ${metric} in the trace of the last request`, async () => {
        const series = await get<{ exemplars: { labels: Record<string, string> }[] }[]>(question(metric));
        const ids = series.flatMap(({ exemplars }) => exemplars.map(({ labels }) => labels.trace_id));
        return ids.includes(traceId) && ids;
      });
      expect(traceIds.every((id) => id !== undefined && /^[0-9a-f]{32}$/.test(id))).toBe(true);
    }
  });
});

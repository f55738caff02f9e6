import { describeWith } from './backend-processes.js';
import { PrometheusServer } from './prometheus-server.js';
import { SampleSystem } from './sample-system.js';

describeWith('prometheus', 'a real Prometheus', (binary) => {
  let system: SampleSystem;
  let prometheus: PrometheusServer;
  const expectValue = (expression: string, expected: number) => prometheus.expectValue(expression, expected);

  beforeAll(async () => {
    system = await SampleSystem.start({});
    const jobs = {
      api_gateway: system.gateway,
      orchestrator: system.orchestrator,
      background_worker: system.worker,
    };
    prometheus = await PrometheusServer.start(binary, {
      scrape_configs: Object.entries(jobs).map(([job_name, url]) => ({
        job_name,
        static_configs: [{ targets: [new URL(url).host] }],
      })),
    });
    for (const text of ['one', 'two', 'three']) await system.process({ text });
    await system.process({ text: '' });
    await system.process({ text: 'four', simulate: { job: 'fail' } });
  });
  afterAll(async () => {
    await prometheus.stop();
    await system.stop();
  });

  it('scrapes all three services without an error', async () => {
    await expectValue('count(up == 1)', 3);
    const { activeTargets } = await prometheus.get<{ activeTargets: { lastError: string }[] }>(
      'targets?state=active',
    );
    expect(activeTargets.map(({ lastError }) => lastError)).toEqual(['', '', '']);
  });

  it('counts requests by method and status', async () => {
    await expectValue('requests_total{job="api_gateway",method="POST",status="200"}', 4);
    await expectValue('requests_total{job="api_gateway",method="POST",status="400"}', 1);
  });

  it('has the buckets of a histogram, and a quantile can be taken of them', async () => {
    await expectValue('sum(request_duration_ms_count{job="api_gateway"})', 5);
    await expectValue('sum(request_duration_ms_bucket{job="api_gateway",le="+Inf"})', 5);
    const [median] = await prometheus.query(
      'histogram_quantile(0.5, sum by (le) (request_duration_ms_bucket))',
    );
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
    for (const metric of [
      'requests_total',
      'request_duration_ms_bucket',
      'http_server_request_duration_seconds_bucket',
    ]) {
      const traceIds = await prometheus.exemplars(metric, traceId);
      expect(traceIds.every((id) => id !== undefined && /^[0-9a-f]{32}$/.test(id))).toBe(true);
    }
  });
});

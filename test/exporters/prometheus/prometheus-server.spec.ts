import { MeterProvider } from '@opentelemetry/sdk-metrics';

import { createPrometheusScrape } from '../../../lib/exporters/prometheus/prometheus-scrape.js';
import {
  type PrometheusServer,
  startPrometheusServer,
} from '../../../lib/exporters/prometheus/prometheus-server.js';
import { collectWarnings } from '../support/collect-warnings.js';

const servers: PrometheusServer[] = [];
const providers: MeterProvider[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
  await Promise.all(providers.splice(0).map((provider) => provider.shutdown()));
});

function start(port = 0): PrometheusServer {
  const scrape = createPrometheusScrape();
  const provider = new MeterProvider({ readers: [scrape.reader] });
  providers.push(provider);
  provider.getMeter('a').createCounter('n_total').add(1);
  const server = startPrometheusServer({ port, host: '127.0.0.1', path: '/metrics' }, scrape);
  servers.push(server);
  return server;
}

describe('startPrometheusServer()', () => {
  it.each(['/metrics', '/metrics?name[]=n_total'])('offers the metrics at %s', async (path) => {
    const port = await start().listening;

    const response = await fetch(`http://127.0.0.1:${port}${path}`);

    expect([response.status, response.headers.get('content-type')]).toEqual([
      200,
      'text/plain; version=0.0.4; charset=utf-8',
    ]);
    expect(await response.text()).toContain('n_total 1');
  });

  it('answers HEAD without a body', async () => {
    const port = await start().listening;

    const response = await fetch(`http://127.0.0.1:${port}/metrics`, { method: 'HEAD' });

    expect([response.status, await response.text()]).toEqual([200, '']);
  });

  it.each([
    ['GET', '/'],
    ['GET', '/metrics/all'],
    ['POST', '/metrics'],
  ])('answers 404 to %s %s', async (method, path) => {
    const port = await start().listening;

    expect((await fetch(`http://127.0.0.1:${port}${path}`, { method })).status).toBe(404);
  });

  it('warns once about a port that is taken, with the remedy, and does not throw', async () => {
    const warnings = collectWarnings();
    const port = await start().listening;

    const second = start(port);

    expect(await second.listening).toBeUndefined();
    await second.close();
    expect(warnings.messages).toEqual([
      expect.stringMatching(
        /not served on http:\/\/127\.0\.0\.1:\d+\/metrics: .*EADDRINUSE.*another prometheus\.port/,
      ),
    ]);
    warnings.restore();
  });

  it('frees the port when it is closed, with a scraper still connected', async () => {
    const first = start();
    const port = await first.listening;
    await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();

    await first.close();

    expect(await start(port).listening).toBe(port);
  });
});

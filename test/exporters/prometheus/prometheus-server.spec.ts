import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import { MeterProvider } from '@opentelemetry/sdk-metrics';

import {
  createPrometheusScrape,
  type PrometheusScrape,
} from '../../../lib/exporters/prometheus/prometheus-scrape.js';
import {
  type PrometheusServer,
  startPrometheusServer,
} from '../../../lib/exporters/prometheus/prometheus-server.js';
import { processCpuMs } from '../../support/cpu-time.js';
import { measureTurns } from '../../support/measure-turns.js';
import { collectWarnings } from '../support/collect-warnings.js';
import { renderText } from './render-text.js';

const servers: PrometheusServer[] = [];
const providers: MeterProvider[] = [];
const scrapes: PrometheusScrape[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
  await Promise.all(providers.splice(0).map((provider) => provider.shutdown()));
});

function start(port = 0, series = 0): PrometheusServer {
  const scrape = createPrometheusScrape();
  scrapes.push(scrape);
  const provider = new MeterProvider({ readers: [scrape.reader] });
  providers.push(provider);
  provider.getMeter('a').createCounter('n_total').add(1);
  const latency = provider.getMeter('a').createHistogram('latency');
  for (let index = 0; index < series; index += 1)
    latency.record(0.2, { method: 'GET', route: `/orders/${index}`, status: 200 });
  const server = startPrometheusServer({ port, host: '127.0.0.1', path: '/metrics' }, scrape);
  servers.push(server);
  return server;
}

/** Just below the limit of an instrument, whose last series is for all others. */
const SERIES = 1_999;

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

  it('blocks the event loop for a part of what making the text takes, while it sends 2,000 series', async () => {
    const port = await start(0, SERIES).listening;
    const url = `http://127.0.0.1:${port}/metrics`;
    const scraper = new Scraper();
    try {
      expect(await scraper.scrape(url)).toBeGreaterThan(2_000_000);
      // The compiler has to know the code, else making the text takes many times as long as sending it.
      const makingMs = Math.min(...(await repeat(20, () => cpuOf(() => renderText(scrapes.at(-1)!)))));

      // The best of some: a garbage collection, or another process, may make any turn longer.
      let longestMs = Infinity;
      for (let count = 0; count < 50 && longestMs >= makingMs / 3; count += 1)
        longestMs = Math.min(longestMs, (await measureTurns(() => scraper.scrape(url))).longestMs);
      expect(longestMs).toBeLessThan(makingMs / 3);
    } finally {
      scraper.end();
    }
  }, 60_000);

  it('forgets a scraper that leaves in the middle, and answers the next one', async () => {
    const warnings = collectWarnings();
    const port = await start(0, SERIES).listening;
    const leaving = new AbortController();
    const { body } = await fetch(`http://127.0.0.1:${port}/metrics`, { signal: leaving.signal });
    await body!.getReader().read();
    leaving.abort();

    const page = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();

    expect(page.match(/^latency_count\{/gm)).toHaveLength(SERIES);
    expect(warnings.messages).toEqual([]);
    warnings.restore();
  });
});

async function cpuOf(work: () => Promise<unknown>): Promise<number> {
  const before = processCpuMs();
  await work();
  return processCpuMs() - before;
}

async function repeat<T>(times: number, work: () => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  while (results.length < times) results.push(await work());
  return results;
}

/** Another process that reads metrics, so that its work is not measured. */
class Scraper {
  private readonly process = fork(join(__dirname, 'programs/scraper.mjs'));

  /** Returns the length of the text. */
  async scrape(url: string): Promise<number> {
    this.process.send(url);
    const [length] = (await once(this.process, 'message')) as [number];
    return length;
  }

  end(): void {
    this.process.kill();
  }
}

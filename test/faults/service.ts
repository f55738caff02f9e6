import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { join } from 'node:path';

/** What a service says of itself. */
export interface Report {
  readonly rss: number;
  /** The page of Prometheus. */
  readonly metrics: string;
  /** Lines about exporters. */
  readonly lines: readonly string[];
}

const RSS_UNIT = 2 ** 20;

/** A Nest service in a process of its own, with or without telemetry. */
export class Service {
  readonly latencies: number[] = [];
  errors = 0;
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 20 });

  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
  ) {}

  /** @param options of telemetry; undefined for none */
  static async start(options?: object, env: Readonly<Record<string, string>> = {}): Promise<Service> {
    const child = fork(join(__dirname, 'programs/service.mjs'), {
      env: {
        ...process.env,
        ...env,
        NODE_ENV: 'production',
        NODE_NO_WARNINGS: '1',
        ...(options !== undefined && { OPTIONS: JSON.stringify(options) }),
      },
      execArgv: [],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const [url] = (await once(child, 'message')) as [string];
    return new Service(child, url);
  }

  /** Sends one request and notes how long its answer took. Never rejects. */
  async request(path = '/orders/one'): Promise<void> {
    const began = performance.now();
    const status = await new Promise<number>((resolve) => {
      get(`${this.url}${path}`, { agent: this.agent }, (response) => {
        response.resume().on('end', () => {
          resolve(response.statusCode ?? 0);
        });
      }).on('error', () => {
        resolve(0);
      });
    });
    this.latencies.push(performance.now() - began);
    if (status !== 200) this.errors += 1;
  }

  async report(): Promise<Report> {
    return this.ask('report');
  }

  /** Closes the application and ends the process; gives its last report. */
  async stop(): Promise<Report> {
    const report = await this.ask('stop');
    this.agent.destroy();
    return report;
  }

  kill(): void {
    this.agent.destroy();
    this.child.kill('SIGKILL');
  }

  private async ask(what: 'report' | 'stop'): Promise<Report> {
    const answer = once(this.child, 'message');
    this.child.send(what);
    const [report] = (await answer) as [Report];
    return report;
  }
}

/** Sends `rate` requests a second to each service, side by side, for so many seconds. */
export async function load(
  services: readonly Service[],
  { rate, seconds, path }: { readonly rate: number; readonly seconds: number; readonly path?: string },
): Promise<void> {
  const until = performance.now() + seconds * 1_000;
  const pending = new Set<Promise<void>>();
  let due = performance.now();
  while (performance.now() < until) {
    for (; due <= performance.now(); due += 1_000 / rate)
      for (const service of services) {
        const request = service.request(path).finally(() => pending.delete(request));
        pending.add(request);
      }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await Promise.all(pending);
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

export function megabytes({ rss }: Report): number {
  return rss / RSS_UNIT;
}

/** Sum of the series of a metric that have these labels. */
export function sumOf({ metrics }: Report, name: string, ...labels: readonly string[]): number {
  return metrics
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .filter((line) => labels.every((label) => line.includes(label)))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

/** Spans, or log records, that the metrics say are lost: dropped before the exporter, or failed in it. */
export function countedLosses(report: Report, kind: 'span' | 'log' = 'span'): number {
  return (
    sumOf(report, `otel_sdk_exporter_${kind}_exported_total`, 'error_type=') +
    sumOf(report, `otel_sdk_processor_${kind}_processed_total`, 'error_type=')
  );
}

/** Spans that the log says are lost: the last number of each time that the destination failed. */
export function announcedLosses({ lines }: Report): number {
  let total = 0;
  let running = 0;
  for (const line of lines.filter((text) => text.startsWith('traces '))) {
    const lost = /(?:Lost since \S+|lost meanwhile): ([\d,]+) span/.exec(line)?.[1];
    if (lost !== undefined) running = Number(lost.replaceAll(',', ''));
    if (!line.includes(' again, after ')) continue;
    total += running;
    running = 0;
  }
  return total + running;
}

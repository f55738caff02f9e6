import { randomInt } from 'node:crypto';
import { join } from 'node:path';

import { BackendProcess } from './backend-processes.js';

const DEPLOYED = join(__dirname, '../../deploy/collector');

interface CollectorOptions {
  /** Files of deploy/collector, or absolute paths, or `yaml:` and what is set beyond them; later ones win. */
  readonly configs: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Loopback address on which its standard ports are; default a random one. */
  readonly host?: string;
}

/** Has collector.yaml hand on to a receiver in place of Jaeger, ClickHouse and Prometheus. */
export const handOnTo = (port: number): string =>
  `yaml:${JSON.stringify({
    exporters: { otlp_http: { endpoint: `http://127.0.0.1:${port}`, compression: 'none' } },
    service: {
      pipelines: Object.fromEntries(
        ['traces', 'metrics', 'logs'].map((signal) => [signal, { exporters: ['otlp_http'] }]),
      ),
    },
  })}`;

/** Has balancer.yaml choose among Collectors that no DNS knows. */
export function balanceBetween(hosts: readonly string[]): string {
  const resolver = { dns: null, static: { hostnames: hosts.map((host) => `${host}:4317`) } };
  return `yaml:${JSON.stringify({
    exporters: { loadbalancing: { resolver }, 'loadbalancing/metrics': { resolver } },
  })}`;
}

/** A real Collector, with its standard ports on a loopback address that only it has. */
export class CollectorServer {
  private constructor(
    readonly host: string,
    private readonly process: BackendProcess,
  ) {}

  /** @param binary what scripts/prepare/find-backends.mjs built */
  static async start(binary: string, { configs, env, host }: CollectorOptions): Promise<CollectorServer> {
    const address = host ?? `127.${randomInt(1, 255)}.${randomInt(255)}.${randomInt(1, 255)}`;
    const files = configs.map((config) =>
      /^(?:yaml:|\/)/.test(config) ? config : `file:${join(DEPLOYED, config)}`,
    );
    const server = await BackendProcess.start(
      [binary, ...files.map((file) => `--config=${file}`)],
      async () => (await fetch(`http://${address}:13133/`)).ok,
      { env: { COLLECTOR_HOST: address, ...env } },
    );
    return new CollectorServer(address, server);
  }

  /** What `otlpEndpoint` is set to. */
  endpoint(protocol: 'grpc' | 'http/protobuf' | 'http/json'): string {
    return `http://${this.host}:${protocol === 'grpc' ? 4317 : 4318}`;
  }

  /** The sum of the series of one of its metrics about itself. */
  async metric(name: string, ...labels: readonly string[]): Promise<number> {
    const text = await (await fetch(`http://${this.host}:8888/metrics`)).text();
    return text
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`) && labels.every((label) => line.includes(label)))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  }

  async stop(signal?: NodeJS.Signals): Promise<void> {
    await this.process.stop(signal);
  }
}

import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';

import { Dashboard, dashboardPartsOf } from '../../lib/dashboard/dashboard.js';
import { type TelemetryStore } from '../../lib/dashboard/sqlite/store.js';

/** What `createDashboard()` makes, on its own port. */
export interface ServedDashboard {
  readonly port: number;
  api(path: string): Promise<{ readonly status: number; readonly body: unknown }>;
  otlp(signal: string, body: object | Buffer, headers?: Record<string, string>): Promise<Response>;
  close(): Promise<void>;
}

interface DashboardVariant {
  /** See `dashboard.editor`; undefined where there are no links to sources. */
  readonly editor?: string | undefined;
}

/** A dashboard that takes OTLP and needs no token. */
export function createDashboard(store: TelemetryStore, { editor }: DashboardVariant = {}): Dashboard {
  return new Dashboard({
    config: {
      path: '/telemetry',
      token: false,
      allowRemote: false,
      allowedHosts: [],
      otlp: true,
      mcp: true,
      profiling: true,
      editor,
      clickhouse: undefined,
    },
    token: undefined,
    ...dashboardPartsOf(store),
    instrumentations: () => [],
    libraries: () => [],
    running: () => [],
    process: undefined,
  });
}

export async function serveDashboard(
  store: TelemetryStore,
  variant: DashboardVariant = {},
): Promise<ServedDashboard> {
  const dashboard = createDashboard(store, variant);
  const server = createServer(dashboard.serve);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const address = `http://127.0.0.1:${port}/telemetry`;
  return {
    port,
    api: async (path) => {
      const response = await fetch(`${address}/api/v1/${path}`);
      return { status: response.status, body: await response.json() };
    },
    otlp: (signal, body, headers = {}) =>
      fetch(`${address}/otlp/v1/${signal}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: Buffer.isBuffer(body) ? new Uint8Array(body) : JSON.stringify(body),
      }),
    close: async () => {
      dashboard.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/**
 * The most CPU time that this thread spent on one turn of the event loop during `work`, in milliseconds. Time for which other
 * processes had the processor does not count, where Node can tell.
 */
export async function longestTurn(work: () => Promise<unknown>): Promise<number> {
  let longest = 0;
  let before = cpuTime();
  let next: NodeJS.Immediate;
  const look = (): void => {
    const now = cpuTime();
    longest = Math.max(longest, now - before);
    before = now;
    next = setImmediate(look);
  };
  next = setImmediate(look);
  try {
    await work();
  } finally {
    clearImmediate(next);
    longest = Math.max(longest, cpuTime() - before);
  }
  return longest;
}

function cpuTime(): number {
  // Node 24 has it, the oldest supported one has not.
  const { threadCpuUsage } = process as { threadCpuUsage?: typeof process.cpuUsage };
  if (threadCpuUsage === undefined) return performance.now();
  const { user, system } = threadCpuUsage.call(process);
  return (user + system) / 1_000;
}

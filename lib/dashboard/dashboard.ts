import { context } from '@opentelemetry/api';

import { type ClickHouseConfig } from '../config/clickhouse.js';
import { suppressTracing } from '../engine/suppressed-tracing.js';
import { warnOnce } from '../errors/warnings.js';
import { type ClosableReader } from './clickhouse/clickhouse-reader.js';
import { type DashboardParts } from './dashboard-context.interface.js';
import { type DashboardServer } from './dashboard-server.js';
import { DashboardError } from './http/dashboard-error.js';
import { type HttpRequest, type HttpResponse } from './http/http-exchange.interface.js';
import { sendError } from './http/respond.js';
import { type TelemetryStore } from './sqlite/store.js';
import { takeStepsInTurns } from './steps-in-turns.js';

/** Answers requests below the dashboard's path. Its server is loaded with the first one. */
export class Dashboard {
  private server: Promise<DashboardServer> | undefined;
  private closed = false;

  constructor(private readonly parts: DashboardParts) {}

  /** Answers a request. Never throws. */
  readonly serve = (request: HttpRequest, response: HttpResponse): void => {
    // Not recorded: looking at telemetry must not add to it.
    void context.with(suppressTracing(context.active()), () => this.answer(request, response));
  };

  /** Ends open answers, so that the application can close. */
  close(): void {
    this.closed = true;
    this.server?.then(
      (server) => {
        server.close();
        this.parts.closeReader?.();
      },
      // The server failed to load; that request already got a 500.
      () => undefined,
    );
  }

  private async startServer(): Promise<DashboardServer> {
    const { loadReader, ...context } = this.parts;
    const [{ DashboardServer: Server }, reader] = await Promise.all([
      import('./dashboard-server.js'),
      loadReader(),
    ]);
    return new Server({ ...context, reader });
  }

  private async answer(request: HttpRequest, response: HttpResponse): Promise<void> {
    try {
      this.server ??= this.startServer();
      const server = await this.server;
      if (this.closed) server.close();
      await server.answer(request, response);
    } catch (error) {
      warnOnce('dashboard', `The dashboard could not answer a request: ${String(error)}`, 60_000);
      if (!response.headersSent)
        sendError(
          response,
          new DashboardError(500, 'The dashboard could not answer; the log has the reason.'),
        );
      else response.end();
    }
  }
}

/** The parts of a dashboard that shows what a ClickHouse has. */
export function clickHousePartsOf(
  config: ClickHouseConfig,
): Pick<DashboardParts, 'loadReader' | 'closeReader' | 'sink' | 'work'> {
  let reader: ClosableReader | undefined;
  return {
    loadReader: async () => {
      const { createClickHouseReader } = await import('./clickhouse/clickhouse-reader.js');
      return (reader = createClickHouseReader(config));
    },
    closeReader: () => reader?.close(),
    sink: undefined,
    work: takeStepsInTurns,
  };
}

/** The parts of a dashboard behind which the embedded store stands. */
export function dashboardPartsOf(
  store: TelemetryStore,
): Pick<DashboardParts, 'loadReader' | 'sink' | 'work' | 'commands'> {
  return {
    loadReader: async () => {
      const { createSqliteReader } = await import('./sqlite/sqlite-reader.js');
      return createSqliteReader(store);
    },
    sink: store,
    commands: store.commands,
    work: (steps) => store.work(steps),
  };
}

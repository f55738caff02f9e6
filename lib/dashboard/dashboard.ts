import { context } from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';

import { warnOnce } from '../errors/warnings.js';
import { type DashboardParts } from './dashboard-context.interface.js';
import { type DashboardServer } from './dashboard-server.js';
import { type HttpRequest, type HttpResponse } from './http/http-exchange.interface.js';
import { sendError } from './http/send.js';

/** What answers the requests of the dashboard's path; loaded when the first one comes. */
export class Dashboard {
  private server: Promise<DashboardServer> | undefined;
  private closed = false;

  constructor(private readonly parts: DashboardParts) {}

  /** Answers a request. Never throws. */
  readonly serve = (request: HttpRequest, response: HttpResponse): void => {
    // Nothing it does may be recorded: looking would change what is seen.
    void context.with(suppressTracing(context.active()), () => this.answer(request, response));
  };

  /** Ends what is still being sent, so that the application can close. */
  close(): void {
    this.closed = true;
    this.server?.then(
      (server) => {
        server.close();
      },
      // It was never there; whoever asked has been told.
      () => undefined,
    );
  }

  private async answer(request: HttpRequest, response: HttpResponse): Promise<void> {
    try {
      this.server ??= import('./dashboard-server.js').then(
        ({ DashboardServer: Server }) => new Server(this.parts),
      );
      const server = await this.server;
      if (this.closed) server.close();
      await server.answer(request, response);
    } catch (error) {
      warnOnce('dashboard', `The dashboard could not answer a request: ${String(error)}`, 60_000);
      if (!response.headersSent)
        sendError(response, 500, 'The dashboard could not answer; the log says more.');
      else response.end();
    }
  }
}

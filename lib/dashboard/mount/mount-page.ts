import { type AddressInfo } from 'node:net';

import { type AbstractHttpAdapter } from '@nestjs/core';
import { context } from '@opentelemetry/api';

import { type DashboardConfig } from '../../config/dashboard.js';
import { type TelemetryConfig } from '../../config/telemetry-config.interface.js';
import { suppressTracing } from '../../engine/suppressed-tracing.js';
import { warnOnce } from '../../errors/warnings.js';
import { writeOwnLine } from '../../logging/own-lines.js';
import { TelemetryLogger } from '../../logging/telemetry-logger.js';
import { withoutRedaction } from '../../redaction/active-redaction.js';
import { sessionToken } from '../access/session-token.js';
import { Dashboard } from '../dashboard.js';
import { type DashboardParts } from '../dashboard-context.interface.js';

/** The dashboard on the port of one application. */
export interface MountedPage {
  /** Answers a request of the dashboard's path. Never throws. */
  readonly serve: Dashboard['serve'];
  /** Logs the address once the server listens; returns false where the application has a route on the path itself. */
  completeRoutes(routes: readonly { readonly path: string }[]): boolean;
  /** Ends live streams, so that the server can close. */
  close(): void;
}

/** Makes the page for one application. Its requests arrive through `serve`. */
export function mountPage(
  options: DashboardConfig,
  config: TelemetryConfig,
  parts: Omit<DashboardParts, 'config' | 'token'>,
  adapter: AbstractHttpAdapter,
): MountedPage {
  const token = tokenOf(options, config);
  const dashboard = new Dashboard({ ...parts, config: options, token });
  const { path } = options;
  return {
    serve: dashboard.serve,
    completeRoutes: (routes) => {
      const taken = routes.find(({ path: route }) => route === path || route.startsWith(`${path}/`));
      if (taken !== undefined) {
        warnTaken(taken.path);
        return false;
      }
      const server = adapter.getHttpServer() as ListeningServer | undefined;
      if (server !== undefined)
        whenListening(server, path, (address) => {
          logAddress(address, options.token === undefined ? token : undefined);
        });
      return true;
    },
    close: () => {
      dashboard.close();
    },
  };
}

/** The token of visitors; undefined where the dashboard is open. */
function tokenOf({ token }: DashboardConfig, { store }: TelemetryConfig): string | undefined {
  if (token === false) return undefined;
  return token ?? sessionToken(store?.file ?? ':memory:');
}

/** The part of a server of `node:http`, `node:https` or `node:http2` that is used here. */
interface ListeningServer {
  readonly listening?: boolean;
  address(): AddressInfo | string | null;
  once(event: 'listening', listener: () => void): unknown;
}

/** Calls `report` with the address of a path, for a browser on this machine, once the server listens on a port. */
function whenListening(server: ListeningServer, path: string, report: (address: string) => void): void {
  const reportAddress = (): void => {
    const address = server.address();
    if (address === null || typeof address === 'string') return;
    const scheme = 'setSecureContext' in server ? 'https' : 'http';
    report(`${scheme}://${hostOf(address.address)}:${address.port}${path}`);
  };
  if (server.listening === true) reportAddress();
  else server.once('listening', reportAddress);
}

/** The dashboard answers by this name where the server listens on all interfaces. */
const hostOf = (address: string): string =>
  ({ '127.0.0.1': '127.0.0.1', '::1': '[::1]' })[address] ?? 'localhost';

/**
 * The token must not leave this machine: the line is not a log record.
 *
 * @param token undefined where none is needed, or where the user has set it
 */
function logAddress(address: string, token: string | undefined): void {
  const where = token === undefined ? address : `${address}/#token=${token}`;
  context.with(suppressTracing(context.active()), () => {
    withoutRedaction(() => {
      writeOwnLine('info', () => {
        new TelemetryLogger('TelemetryModule').logInfo(`The dashboard is at ${where}`);
      });
    });
  });
}

function warnTaken(path: string): void {
  warnOnce(
    `dashboard-path:${path}`,
    `The application has a route on ${path}, so the dashboard is disabled. Requests below that path are not recorded either. ` +
      'Set dashboard.path to another path, or dashboard to false.',
  );
}

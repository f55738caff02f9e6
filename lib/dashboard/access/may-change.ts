import { type DashboardContext } from '../dashboard-context.interface.js';
import { DashboardError } from '../http/dashboard-error.js';
import { type HttpRequest } from '../http/http-exchange.interface.js';
import { forwardedAddresses } from './access.js';

const MAX_VISITOR = 150;

/**
 * Why the page may not change the process that serves it; undefined where it may. An open dashboard
 * may not, from this machine neither: any program of it, and every visitor behind a proxy that adds
 * no header, looks like its owner.
 */
export function whyNoChanges({ token }: DashboardContext): string | undefined {
  return token === undefined
    ? 'This dashboard is open (dashboard.token: false), so it changes nothing in the process. Set a token to allow it.'
    : undefined;
}

/** @throws DashboardError 403 */
export function checkMayChange(context: DashboardContext): void {
  const reason = whyNoChanges(context);
  if (reason !== undefined) throw new DashboardError(403, reason);
}

/** The address a request came from, with what proxies say of it, for a log line. */
export function readVisitor({ socket, headers }: HttpRequest): string {
  const address = socket.remoteAddress ?? 'an unknown address';
  const forwarded = forwardedAddresses(headers).map((text) => text.replaceAll(/[^\w.:%-]/g, ''));
  const text = forwarded.length === 0 ? address : `${address} (forwarded for ${forwarded.join(', ')})`;
  return text.slice(0, MAX_VISITOR);
}

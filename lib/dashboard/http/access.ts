import { createHash, timingSafeEqual } from 'node:crypto';

import { type DashboardConfig } from '../../config/telemetry-config.interface.js';
import { DashboardError } from './dashboard-error.js';
import { type HttpRequest } from './http-exchange.interface.js';
import { forwardedAddresses, isLoopback } from './loopback.js';

const LOCAL_HOSTS = ['localhost', '127.0.0.1', '[::1]'];

/** Who may ask the dashboard, and what they must show. */
export class Access {
  private readonly hosts: ReadonlySet<string>;
  private readonly token: Buffer | undefined;
  /** Stands for the token in the cookie, so that the token itself is in nobody's cookie file. */
  private readonly cookieValue: string;
  /** Cookies know no ports: two services of one machine must not overwrite each other's. */
  private readonly cookieName: string;

  constructor(private readonly config: DashboardConfig) {
    this.hosts = new Set([...LOCAL_HOSTS, ...config.allowedHosts]);
    const { token } = config;
    this.token = token === undefined ? undefined : digest(token);
    this.cookieValue = digest(`cookie of ${token ?? ''}`).toString('hex');
    this.cookieName = `telemetry-${digest(`name for ${token ?? ''}`)
      .toString('hex')
      .slice(0, 8)}`;
  }

  /**
   * For everything below the path, the page included: who asks is on this machine, and knows it by a name of this machine. A page
   * of somebody else whose name leads here (DNS rebinding) has another name.
   *
   * @throws DashboardError 403
   */
  checkCaller({ headers, socket }: HttpRequest): void {
    if (!this.config.allowRemote && !isLocal(socket.remoteAddress, headers))
      throw new DashboardError(
        403,
        'The dashboard answers requests from this machine only. Set dashboard.allowRemote to answer others too.',
      );
    const host = hostOf(headers.host ?? authorityOf(headers));
    if (host === undefined || !this.hosts.has(host))
      throw new DashboardError(
        403,
        'The dashboard does not know itself by this Host. Add it to dashboard.allowedHosts, or ask for localhost.',
      );
  }

  /**
   * For data: no page of another origin asks, and whoever asks has the token when there is one.
   *
   * @throws DashboardError 403 or 401
   */
  checkData(request: HttpRequest): void {
    const { headers } = request;
    const site = headers['sec-fetch-site'];
    const { origin } = headers;
    const foreign =
      (site !== undefined && site !== 'same-origin' && site !== 'none') ||
      (origin !== undefined && !isOwnOrigin(origin, headers.host ?? authorityOf(headers)));
    if (foreign) throw new DashboardError(403, 'The dashboard does not answer pages of other origins.');
    if (this.token === undefined || this.hasToken(headers.authorization, headers.cookie)) return;
    throw new DashboardError(
      401,
      'The dashboard asks for its token: send "Authorization: Bearer <token>", or open the page once with ?token=<token>.',
    );
  }

  /**
   * The cookie for somebody who has opened the page with the token in the address.
   *
   * @throws DashboardError 401 when it is not the token
   */
  cookieFor(given: string, { socket }: HttpRequest): string | undefined {
    if (this.token === undefined) return undefined;
    if (!timingSafeEqual(digest(given), this.token)) throw new DashboardError(401, 'This is not the token.');
    const secure = socket.encrypted === true ? '; Secure' : '';
    return `${this.cookieName}=${this.cookieValue}; Path=${this.config.path}; HttpOnly; SameSite=Strict${secure}`;
  }

  private hasToken(authorization: string | undefined, cookies: string | undefined): boolean {
    const bearer = /^Bearer\s+(\S+)\s*$/i.exec(authorization ?? '')?.[1];
    if (bearer !== undefined && this.token !== undefined) return timingSafeEqual(digest(bearer), this.token);
    const prefix = `${this.cookieName}=`;
    const cookie = (cookies ?? '')
      .split(';')
      .map((part) => part.trim())
      .find((part) => part.startsWith(prefix))
      ?.slice(prefix.length);
    return cookie !== undefined && timingSafeEqual(digest(cookie), digest(this.cookieValue));
  }
}

/** A proxy on this machine must not make the whole world local: what it says can only take away. */
function isLocal(remoteAddress: string | undefined, headers: HttpRequest['headers']): boolean {
  return isLoopback(remoteAddress) && forwardedAddresses(headers).every(isLoopback);
}

/** HTTP/2 has no Host. */
function authorityOf(headers: HttpRequest['headers']): string | undefined {
  const authority = headers[':authority'];
  return typeof authority === 'string' ? authority : undefined;
}

/** Without port, in lower case. */
function hostOf(header: string | undefined): string | undefined {
  return /^(\[[\da-f:.]+\]|[^:\s[\]]+)(?::\d+)?$/i.exec(header ?? '')?.[1]?.toLowerCase();
}

/** The scheme may differ: a proxy that speaks TLS passes on plain HTTP. */
function isOwnOrigin(origin: string, host: string | undefined): boolean {
  return /^https?:\/\/(.+)$/i.exec(origin)?.[1]?.toLowerCase() === host?.toLowerCase();
}

/** All of one length, as comparing in constant time needs them. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

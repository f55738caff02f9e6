import { createHash, timingSafeEqual } from 'node:crypto';

import { type DashboardConfig } from '../../config/dashboard.js';
import { DashboardError } from '../http/dashboard-error.js';
import { type HttpRequest } from '../http/http-exchange.interface.js';
import { forwardedAddresses, isLoopback } from './loopback.js';
import { WrongTokens } from './wrong-tokens.js';

const LOCAL_HOSTS = ['localhost', '127.0.0.1', '[::1]'];

/** A browser of a developer stays signed in for so long without using the page. */
const COOKIE_SECONDS = 30 * 24 * 3_600;

/** Who may use the dashboard, and what they must send. */
export class Access {
  private readonly hosts: ReadonlySet<string>;
  private readonly token: Buffer | undefined;
  private readonly wrongTokens = new WrongTokens();
  /** Stands for the token in the cookie, so that no cookie file holds the token itself. */
  private readonly cookieValue: string;
  /** Cookies know no ports: two services of one machine must not overwrite each other's. */
  private readonly cookieName: string;

  /** @param token undefined: none is needed */
  constructor(
    private readonly config: DashboardConfig,
    token: string | undefined,
  ) {
    this.hosts = new Set([...LOCAL_HOSTS, ...config.allowedHosts]);
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
   * For data: the request comes from no page of another origin, and has the token where one is
   * needed.
   *
   * @throws DashboardError 403, 401, or 429 after many wrong tokens
   */
  async checkData(request: HttpRequest): Promise<void> {
    const { headers } = request;
    const site = headers['sec-fetch-site'];
    const { origin } = headers;
    const foreign =
      (site !== undefined && site !== 'same-origin' && site !== 'none') ||
      (origin !== undefined && !isOwnOrigin(origin, headers.host ?? authorityOf(headers)));
    if (foreign) throw new DashboardError(403, 'The dashboard does not answer pages of other origins.');
    if (this.token === undefined || this.hasCookie(headers.cookie)) return;
    const bearer = /^Bearer\s+(\S+)\s*$/i.exec(headers.authorization ?? '')?.[1];
    if (bearer !== undefined) return this.checkToken(bearer, request);
    throw new DashboardError(
      401,
      'The dashboard requires its token: send "Authorization: Bearer <token>", or open the address that was printed at start.',
    );
  }

  /**
   * Returns the cookie for a browser that has sent the token; undefined where no token is needed.
   *
   * @throws DashboardError 401 when it is not the token, 429 after many wrong tokens
   */
  async cookieFor(given: string, request: HttpRequest): Promise<string | undefined> {
    if (this.token === undefined) return undefined;
    await this.checkToken(given, request);
    const secure = request.socket.encrypted === true ? '; Secure' : '';
    // A token that code or the environment sets may be shared by a team: its cookie ends with the browser.
    const lasting = this.config.token === undefined ? `; Max-Age=${COOKIE_SECONDS}` : '';
    return `${this.cookieName}=${this.cookieValue}; Path=${this.config.path}; HttpOnly; SameSite=Strict${lasting}${secure}`;
  }

  private async checkToken(given: string, { socket }: HttpRequest): Promise<void> {
    this.wrongTokens.checkRoom();
    if (this.token === undefined || timingSafeEqual(digest(given), this.token)) return;
    await this.wrongTokens.refuse(socket.remoteAddress);
    throw new DashboardError(
      401,
      'This is not the token. It is dashboard.token, or the one in the address printed at start.',
    );
  }

  private hasCookie(cookies: string | undefined): boolean {
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

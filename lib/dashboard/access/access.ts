import { createHash, timingSafeEqual } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import type { DashboardConfig } from '../../config/dashboard.js';
import { warnOnce } from '../../errors/warnings.js';
import { DashboardError } from '../http/dashboard-error.js';
import type { HttpRequest } from '../http/http-exchange.interface.js';

const LOCAL_HOSTS = ['localhost', '127.0.0.1', '[::1]'];

/** Life of the cookie, in seconds. */
const COOKIE_SECONDS = 30 * 24 * 3_600;

/** Decides which requests the dashboard answers. */
export class Access {
  private readonly hosts: ReadonlySet<string>;
  private readonly token: Buffer | undefined;
  private readonly wrongTokens = new WrongTokens();
  /** Sent in the cookie instead of the token, so that no cookie file holds the token. */
  private readonly cookieValue: string;
  /** Cookies ignore ports: two services on one machine need different names. */
  private readonly cookieName: string;

  /** @param token undefined: the dashboard is open */
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
   * Checks each request below the path, for the page too: it comes from this machine and its `Host` is a name of this machine. After
   * DNS rebinding the page of another site would send that site's name.
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
        'The dashboard does not answer for this Host. Add it to dashboard.allowedHosts, or open it at localhost.',
      );
  }

  /**
   * Checks each request for data: it does not come from a page of another origin, and has the token where the
   * dashboard requires one.
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
    const bearer = bearerOf(request);
    if (bearer !== undefined) return this.checkToken(bearer, request);
    throw new DashboardError(
      401,
      'The dashboard requires its token: send "Authorization: Bearer <token>", or open the address that was printed at start.',
    );
  }

  /**
   * Returns the cookie for a browser that sent the token; undefined where the dashboard is open.
   *
   * @throws DashboardError 401 for a wrong token, 429 after many of them
   */
  async cookieFor(given: string, request: HttpRequest): Promise<string | undefined> {
    if (this.token === undefined) return undefined;
    await this.checkToken(given, request);
    const secure = request.socket.encrypted === true ? '; Secure' : '';
    // A configured token may be shared by a team: its cookie ends with the browser session.
    const lasting = this.config.token === undefined ? `; Max-Age=${COOKIE_SECONDS}` : '';
    return `${this.cookieName}=${this.cookieValue}; Path=${this.config.path}; HttpOnly; SameSite=Strict${lasting}${secure}`;
  }

  private async checkToken(given: string, { socket }: HttpRequest): Promise<void> {
    this.wrongTokens.checkRoom();
    if (this.token === undefined || timingSafeEqual(digest(given), this.token)) return;
    await this.wrongTokens.refuse(socket.remoteAddress);
    throw new DashboardError(
      401,
      'Wrong token. It is dashboard.token, or the one in the address printed at start.',
    );
  }

  private hasCookie(cookies: string | undefined): boolean {
    const prefix = `${this.cookieName}=`;
    const cookie = cookies?.split(';').find((part) => part.trim().startsWith(prefix));
    return (
      cookie !== undefined &&
      timingSafeEqual(digest(cookie.trim().slice(prefix.length)), digest(this.cookieValue))
    );
  }
}

/** A proxy on this machine must not make every visitor local: its headers can only deny access. */
function isLocal(remoteAddress: string | undefined, headers: HttpRequest['headers']): boolean {
  return isLoopback(remoteAddress) && forwardedAddresses(headers).every(isLoopback);
}

/** The token of `Authorization: Bearer …`. */
export function bearerOf({ headers }: HttpRequest): string | undefined {
  return /^Bearer\s+(\S+)\s*$/i.exec(headers.authorization ?? '')?.[1];
}

/** HTTP/2 sends `:authority` instead of `Host`. */
function authorityOf(headers: HttpRequest['headers']): string | undefined {
  const authority = headers[':authority'];
  return typeof authority === 'string' ? authority : undefined;
}

/** Without port, in lower case. */
function hostOf(header: string | undefined): string | undefined {
  return /^(\[[\da-f:.]+\]|[^:\s[\]]+)(?::\d+)?$/i.exec(header ?? '')?.[1]?.toLowerCase();
}

/** The scheme may differ: a proxy that terminates TLS forwards plain HTTP. */
function isOwnOrigin(origin: string, host: string | undefined): boolean {
  return /^https?:\/\/(.+)$/i.exec(origin)?.[1]?.toLowerCase() === host?.toLowerCase();
}

/** Comparing in constant time needs equal lengths. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Wrong tokens that are answered without delay: typing errors. */
const FREE_TRIES = 3;
const FIRST_DELAY_MS = 250;
const MAX_DELAY_MS = 4_000;
/** The count starts again after this time without a wrong token. */
const FORGIVEN_AFTER_MS = 60_000;
/** While this many answers are delayed, further tries are refused unread. */
const MAX_DELAYED = 20;
const WARN_EVERY_MS = 60_000;

/**
 * Slows down and logs tries of wrong tokens. All callers share one count, because behind a proxy
 * all of them have one address.
 */
class WrongTokens {
  private tries = 0;
  private lastAt = -Infinity;
  private delayed = 0;

  /**
   * To be called before a token is compared.
   *
   * @throws DashboardError 429 while too many wrong tokens are being answered
   */
  checkRoom(): void {
    if (this.delayed < MAX_DELAYED) return;
    throw new DashboardError(429, 'Too many wrong tokens were sent. Try again in a few seconds.', {
      'retry-after': String(MAX_DELAY_MS / 1_000),
    });
  }

  /** Resolves when the answer to a wrong token may be sent. */
  async refuse(from: string | undefined): Promise<void> {
    const now = performance.now();
    if (now - this.lastAt > FORGIVEN_AFTER_MS) this.tries = 0;
    this.lastAt = now;
    this.tries += 1;
    warnOnce(
      'dashboard:wrong-token',
      `A request to the dashboard from ${from ?? 'an unknown address'} had a wrong token. ` +
        'The token is dashboard.token, or the one in the address printed at start.',
      WARN_EVERY_MS,
    );
    if (this.tries <= FREE_TRIES) return;
    const delay = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (this.tries - FREE_TRIES - 1));
    this.delayed += 1;
    try {
      await sleep(delay, undefined, { ref: false });
    } finally {
      this.delayed -= 1;
    }
  }
}

/** Whether an address of a socket is of this machine, `::ffff:127.0.0.1` included. */
export function isLoopback(address: string | undefined): boolean {
  if (address === undefined) return false;
  const plain = address.toLowerCase().replace(/^::ffff:(?=\d+\.)/, '');
  return plain === '::1' || /^127(\.\d{1,3}){3}$/.test(plain);
}

/** The addresses that proxies say a request came from; empty when no proxy says anything. */
export function forwardedAddresses(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): string[] {
  const lists = [headers['x-forwarded-for'], headers['x-real-ip']].flatMap(partsOf);
  const standard = partsOf(headers.forwarded)
    .flatMap((part) => part.split(';'))
    .map((pair) => /^\s*for=(.*)$/i.exec(pair)?.[1])
    .filter((value) => value !== undefined);
  return [...lists, ...standard].map(withoutPort).filter((address) => address !== '');
}

function partsOf(header: string | string[] | undefined): string[] {
  return [header ?? []].flat().flatMap((text) => text.split(','));
}

function withoutPort(text: string): string {
  const plain = text.trim().replaceAll('"', '');
  const bracketed = /^\[([^\]]*)\]/.exec(plain)?.[1];
  return bracketed ?? plain.replace(/^(\d+(?:\.\d+){3}):\d+$/, '$1');
}

import { type OutgoingHttpHeaders } from 'node:http';

import { Access, bearerOf } from './access/access.js';
import { ApiRouter } from './api/api-router.js';
import { type DashboardContext } from './dashboard-context.interface.js';
import { DashboardError } from './http/dashboard-error.js';
import { EarlyAnswers } from './http/early-answers.js';
import { type HttpRequest, type HttpResponse } from './http/http-exchange.interface.js';
import { SECURITY_HEADERS } from './http/respond.js';
import type { McpEndpoint } from './mcp/mcp-endpoint.js';

const API = 'api/v1/';
const OTLP = 'otlp/';
const MCP = 'mcp';
/** The page sends its token here and gets a cookie. */
const SESSION = 'api/v1/session';

/** Serves the page, the API, the OTLP receiver and the MCP server to those who may use them. */
export class DashboardServer {
  private readonly access: Access;
  private readonly api: ApiRouter;
  private readonly earlyAnswers = new EarlyAnswers();
  private mcp: McpEndpoint | undefined;

  constructor(private readonly context: DashboardContext) {
    this.access = new Access(context.config, context.token);
    this.api = new ApiRouter(context);
  }

  /** Answers one request; rejects only for errors that are not about the request. */
  async answer(request: HttpRequest, response: HttpResponse): Promise<void> {
    try {
      this.access.checkCaller(request);
      await this.route(request, response);
    } catch (error) {
      if (!(error instanceof DashboardError) || response.headersSent) throw error;
      this.earlyAnswers.sendError(request, response, error);
    }
  }

  /** Ends live streams and connections that are being closed, and opens no more. */
  close(): void {
    this.api.close();
    this.mcp?.close();
    this.earlyAnswers.close();
  }

  private async route(request: HttpRequest, response: HttpResponse): Promise<void> {
    const { path } = this.context.config;
    const url = new URL(request.originalUrl ?? request.url ?? '/', 'http://dashboard');
    const below = url.pathname.slice(path.length);
    if (below === `/${SESSION}`) await this.signIn(request, response);
    else if (below.startsWith(`/${API}`)) {
      await this.access.checkData(request);
      await this.api.answer(below.slice(API.length + 1), url.searchParams, request, response);
    } else if (below.startsWith(`/${OTLP}`)) {
      await this.access.checkData(request);
      const { receiveOtlp } = await import('./otlp/receive-otlp.js');
      await receiveOtlp(below.slice(OTLP.length + 1), this.context, request, response);
    } else if (below === `/${MCP}`) {
      await this.access.checkData(request);
      this.mcp ??= await this.openMcp();
      await this.mcp.answer(request, response);
    } else await this.sendPage(below, url, request, response);
  }

  /** @throws DashboardError 404 where it is off, 501 where its package is not installed */
  private async openMcp(): Promise<McpEndpoint> {
    if (!this.context.config.mcp)
      throw new DashboardError(
        404,
        'The MCP server of the dashboard is off: dashboard.mcp or TELEMETRY_DASHBOARD_MCP is false.',
      );
    const { McpEndpoint: Endpoint } = await import('./mcp/mcp-endpoint.js');
    return new Endpoint(this.context);
  }

  private async signIn(request: HttpRequest, response: HttpResponse): Promise<void> {
    if (request.method !== 'POST') throw new DashboardError(405, 'This address takes POST.');
    await this.access.checkData(request);
    await this.sendCookie(204, bearerOf(request), request, response);
  }

  private async sendPage(
    below: string,
    url: URL,
    request: HttpRequest,
    response: HttpResponse,
  ): Promise<void> {
    if (request.method !== 'GET' && request.method !== 'HEAD')
      throw new DashboardError(405, 'The page answers GET only.');
    const token = url.searchParams.get('token');
    // URLs in the page are relative to its folder. A token must not stay in the address bar.
    if (below === '' || token !== null) {
      const folder = url.pathname.slice(url.pathname.lastIndexOf('/', url.pathname.length - 2) + 1);
      const location = below === '' ? `./${folder}/` : './';
      await this.sendCookie(303, token ?? undefined, request, response, { location });
      return;
    }
    const { sendPageFile } = await import('./http/page-files.js');
    sendPageFile(below.slice(1), request, response);
  }

  /** Answers without a body, and with the cookie for a token. */
  private async sendCookie(
    status: number,
    token: string | undefined,
    request: HttpRequest,
    response: HttpResponse,
    head: OutgoingHttpHeaders = {},
  ): Promise<void> {
    const cookie = token === undefined ? undefined : await this.access.cookieFor(token, request);
    response.writeHead(status, {
      ...SECURITY_HEADERS,
      'cache-control': 'no-store',
      ...head,
      ...(cookie !== undefined && { 'set-cookie': cookie }),
    });
    response.end();
  }
}

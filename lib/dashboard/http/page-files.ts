import { gunzipSync } from 'node:zlib';

import { PAGE_ASSETS, PAGE_SECURITY_POLICY, type PageAsset } from '../ui/page-assets.js';
import { DashboardError } from './dashboard-error.js';
import { type HttpRequest, type HttpResponse } from './http-exchange.interface.js';
import { acceptsGzip, SECURITY_HEADERS } from './respond.js';

const PAGE = 'index.html';

/** Names of the other files have their hash in them. */
const FOREVER = 'private, max-age=31536000, immutable';

/**
 * Sends a file of the page; the empty name is the page itself.
 *
 * @throws DashboardError 404 when there is no such file
 */
export function sendPageFile(name: string, request: HttpRequest, response: HttpResponse): void {
  const asset = findAsset(name === '' ? PAGE : name);
  const head = {
    ...SECURITY_HEADERS,
    'content-security-policy': PAGE_SECURITY_POLICY,
    'cross-origin-opener-policy': 'same-origin',
    'cache-control': asset.name === PAGE ? 'no-cache' : FOREVER,
    vary: 'accept-encoding',
    etag: asset.etag,
  };
  if (matches(request.headers['if-none-match'], asset.etag)) {
    response.writeHead(304, head);
    response.end();
    return;
  }
  const packed = Buffer.from(asset.gzip, 'base64');
  const takesGzip = acceptsGzip(request.headers['accept-encoding']);
  const body = takesGzip ? packed : gunzipSync(packed);
  response.writeHead(200, {
    ...head,
    'content-type': asset.contentType,
    'content-length': body.length,
    ...(takesGzip && { 'content-encoding': 'gzip' }),
  });
  if (request.method === 'HEAD') response.end();
  else response.end(body);
}

function findAsset(name: string): PageAsset {
  const asset = PAGE_ASSETS.find((each) => each.name === name);
  if (asset !== undefined) return asset;
  throw new DashboardError(
    404,
    PAGE_ASSETS.length === 0
      ? 'This build of nestjs-telemetry has no page, only its API below api/v1: build it with npm run build.'
      : 'There is no such file.',
  );
}

function matches(header: string | undefined, etag: string): boolean {
  return (header ?? '').split(',').some((each) => each.trim().replace(/^W\//, '') === etag);
}

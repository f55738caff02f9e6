import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';

import { DashboardError } from '../../../lib/dashboard/http/dashboard-error.js';
import { type HttpRequest } from '../../../lib/dashboard/http/http-exchange.interface.js';
import { sendPageFile } from '../../../lib/dashboard/http/page-files.js';

const HTML = '<!doctype html><title>Telemetry</title>';

// The sources have no page: the build puts it there.
jest.mock('../../../lib/dashboard/ui/page-assets.js', () => ({
  ...jest.requireActual<object>('../../../lib/dashboard/ui/page-assets.js'),
  PAGE_ASSETS: [
    {
      name: 'index.html',
      contentType: 'text/html; charset=utf-8',
      etag: '"page"',
      content: '<!doctype html><title>Telemetry</title>',
    },
    {
      name: 'page-AB12.js',
      contentType: 'text/javascript; charset=utf-8',
      etag: '"script"',
      content: 'render();',
    },
  ].map(({ content, ...asset }) => ({
    ...asset,
    gzip: jest
      .requireActual<{ gzipSync(text: string): Buffer }>('node:zlib')
      .gzipSync(content)
      .toString('base64'),
  })),
}));

describe('a file of the page', () => {
  let server: Server;
  let origin: string;
  beforeAll(async () => {
    server = createServer((request, response) => {
      try {
        sendPageFile((request.url ?? '/').slice(1), request as HttpRequest, response);
      } catch (error) {
        response.writeHead(error instanceof DashboardError ? error.status : 500).end();
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  it('comes with its type, and headers that let nothing else in', async () => {
    const response = await fetch(`${origin}/`);
    expect(await response.text()).toBe(HTML);
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(response.headers.get('content-encoding')).toBe('gzip');
    const policy = response.headers.get('content-security-policy') ?? '';
    for (const directive of [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "connect-src 'self'",
      "img-src 'self' data:",
      "frame-ancestors 'none'",
      "base-uri 'none'",
      "form-action 'none'",
    ])
      expect(policy).toContain(directive);
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('referrer-policy')).toBe('no-referrer');
    expect(response.headers.get('cache-control')).toBe('no-cache');
  });

  it('is unpacked for who does not take gzip', async () => {
    for (const encoding of ['identity', 'gzip;q=0', 'br']) {
      const response = await fetch(origin, { headers: { 'accept-encoding': encoding } });
      expect(response.headers.get('content-encoding')).toBeNull();
      expect(response.headers.get('content-length')).toBe(String(HTML.length));
    }
  });

  it('is not sent again to who has it', async () => {
    const response = await fetch(origin, { headers: { 'if-none-match': 'W/"other", "page"' } });
    expect([response.status, await response.text()]).toEqual([304, '']);
    expect((await fetch(origin, { headers: { 'if-none-match': '"other"' } })).status).toBe(200);
  });

  it('is kept for ever when its name changes with it', async () => {
    const { headers } = await fetch(`${origin}/page-AB12.js`);
    expect(headers.get('cache-control')).toBe('private, max-age=31536000, immutable');
  });

  it('is not there under any other name', async () => {
    for (const name of ['page-assets.js', '../package.json', '%2e%2e/package.json', 'constructor'])
      expect((await fetch(`${origin}/${name}`)).status).toBe(404);
  });

  it('is answered without its content to a HEAD request', async () => {
    const response = await fetch(origin, { method: 'HEAD' });
    expect([response.status, await response.text()]).toEqual([200, '']);
    expect(response.headers.get('content-length')).toBe(String(gzipSync(HTML).length));
  });
});

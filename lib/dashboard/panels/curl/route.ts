import { type ApiCall, defineRoutes } from '../../api/route.js';
import { type CurlApi } from './curl-api.interface.js';
import { askCurl } from './query.js';

export const curlRoutes = defineRoutes<CurlApi>({
  'GET curl': {
    parameters: 'traceId, or service&method&route',
    doc: '`CurlAnswer`: the first HTTP request of a trace, or the newest of a route, as a `curl` command for a POSIX shell; the template of the route where none is stored. Without body, and without headers that may have secrets.',
    handle: (call) => askCurl(call, originOf(call)),
  },
});

/** The page is on the application's own port; its host was checked. */
function originOf({ request }: ApiCall): string {
  const isEncrypted = 'encrypted' in request.socket && request.socket.encrypted;
  const host = request.headers.host ?? 'localhost';
  return `${isEncrypted ? 'https' : 'http'}://${host}`;
}

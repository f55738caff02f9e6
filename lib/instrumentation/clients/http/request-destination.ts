/** Where requests go: origin, and what of it becomes an attribute. */
export interface RequestDestination {
  /** `http` or `https`. */
  readonly scheme: string;
  /** Host name or address; the path of the socket for a Unix domain socket. */
  readonly address: string;
  readonly port: number | undefined;
  /** Scheme and authority without credentials, as `url.full` begins. */
  readonly origin: string;
}

const MAX_REMEMBERED = 200;
const remembered = new Map<string, RequestDestination>();

/** Reads an origin such as `https://api.example.com:8443`. Applications talk to few, so they are remembered. */
export function destinationOf(origin: string): RequestDestination {
  const known = remembered.get(origin);
  if (known !== undefined) return known;
  const destination = readOrigin(origin);
  if (remembered.size >= MAX_REMEMBERED) remembered.clear();
  remembered.set(origin, destination);
  return destination;
}

function readOrigin(origin: string): RequestDestination {
  const url = URL.parse(origin);
  // A Host header can be anything; the request goes where it goes all the same.
  if (url === null) return { scheme: 'http', address: origin, port: undefined, origin };
  const scheme = url.protocol.slice(0, -1);
  const port = url.port === '' ? (scheme === 'https' ? 443 : 80) : Number(url.port);
  return { scheme, address: url.hostname, port, origin: `${url.protocol}//${url.host}` };
}

/** A server behind a Unix domain socket. */
export function socketDestination(scheme: string, socketPath: string, host: string): RequestDestination {
  return { scheme, address: socketPath, port: undefined, origin: `${scheme}://${host}` };
}

/** The path without its query: secrets travel there. */
export function withoutQuery(path: string): string {
  const query = path.indexOf('?');
  return query === -1 ? path : path.slice(0, query);
}

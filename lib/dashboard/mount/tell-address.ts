import { type AddressInfo } from 'node:net';

/** What is used of a server of `node:http`, `node:https` or `node:http2`. */
export interface ListeningServer {
  readonly listening?: boolean;
  address(): AddressInfo | string | null;
  once(event: 'listening', listener: () => void): unknown;
}

/** Calls `tell` with the address of a path, as a browser on this machine takes it, once the server listens on a port. */
export function tellAddress(server: ListeningServer, path: string, tell: (address: string) => void): void {
  const say = (): void => {
    const address = server.address();
    if (address === null || typeof address === 'string') return;
    const scheme = 'setSecureContext' in server ? 'https' : 'http';
    tell(`${scheme}://${hostOf(address.address)}:${address.port}${path}`);
  };
  if (server.listening === true) say();
  else server.once('listening', say);
}

/** One that listens everywhere is reached by the name that the dashboard answers. */
function hostOf(address: string): string {
  return address === '127.0.0.1' || address === '::1' ? address.replace('::1', '[::1]') : 'localhost';
}

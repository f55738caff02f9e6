import {
  type ClientRequest,
  type OutgoingHttpHeaders,
  request as httpRequest,
  type RequestOptions,
} from 'node:http';
import { request as httpsRequest } from 'node:https';
import { BlockList, isIP, type Socket } from 'node:net';

import { ExportError } from '../../export-failure.js';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Returns the proxy of an OTLP connection; undefined when there is none.
 *
 * HTTP follows the rule of Node: `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` (or in lower case)
 * apply with `NODE_USE_ENV_PROXY=1` or `--use-env-proxy`. gRPC follows the rule of gRPC libraries,
 * which need no switch: `grpc_proxy`, `https_proxy`, `http_proxy`, and `no_grpc_proxy`, `no_proxy`.
 */
export function findProxy(
  url: URL,
  protocol: 'grpc' | 'http',
  env: Environment = process.env,
  nodeOptions: readonly string[] = [...process.execArgv, env.NODE_OPTIONS ?? ''],
): URL | undefined {
  const enabled =
    env.NODE_USE_ENV_PROXY === '1' || nodeOptions.some((option) => option.includes('--use-env-proxy'));
  const first = (...names: string[]): string | undefined =>
    names.map((name) => env[name]).find((value) => value !== undefined);
  const ofGrpc = [
    'grpc_proxy',
    'https_proxy',
    'http_proxy',
    ...(enabled ? ['HTTPS_PROXY', 'HTTP_PROXY'] : []),
  ];
  const ofHttp = url.protocol === 'https:' ? ['https_proxy', 'HTTPS_PROXY'] : ['http_proxy', 'HTTP_PROXY'];
  const isGrpc = protocol === 'grpc';
  const proxy = first(...(isGrpc ? ofGrpc : enabled ? ofHttp : []));
  const excluded = first(...(isGrpc ? ['no_grpc_proxy'] : []), 'no_proxy', 'NO_PROXY') ?? '';
  if (proxy === undefined || proxy === '' || isExcluded(url, excluded)) return undefined;
  const parsed = URL.parse(proxy.includes('://') ? proxy : `http://${proxy}`);
  return parsed?.protocol === 'http:' || parsed?.protocol === 'https:' ? parsed : undefined;
}

/** Whether a list like `localhost,.internal,10.0.0.0/8,collector:4318` names the host. */
function isExcluded(url: URL, list: string): boolean {
  const host = hostOf(url).toLowerCase();
  return list
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      if (entry === '*') return true;
      const [, name = '', onlyPort] = /^(.*?)(?::(\d+))?$/.exec(entry) ?? [];
      if (isIP(host) !== 0 && isInRange(host, entry)) return true;
      if (onlyPort !== undefined && isIP(entry) !== 6 && onlyPort !== portOf(url)) return false;
      const pattern = name.toLowerCase().replace(/^\*?\./, '');
      return host === pattern || host.endsWith(`.${pattern}`);
    });
}

/** Whether an address is in `10.0.0.0/8` or `10.0.0.1-10.0.0.9`, or equal to a single one. */
function isInRange(address: string, entry: string): boolean {
  const family = (text: string): 'ipv4' | 'ipv6' => (isIP(text) === 6 ? 'ipv6' : 'ipv4');
  const [network = '', prefix] = entry.split('/');
  const [first = '', last = ''] = entry.split('-');
  const block = new BlockList();
  try {
    if (prefix !== undefined && isIP(network) !== 0)
      block.addSubnet(network, Number(prefix), family(network));
    else if (isIP(first) !== 0 && isIP(last) !== 0) block.addRange(first, last, family(first));
    else return entry === address;
  } catch {
    // Not a range, so the entry excludes no address.
    return false;
  }
  return block.check(address, family(address));
}

/** The host of an address, without the brackets of IPv6. */
export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '');
}

/** The port of an address, or that of its scheme. */
export function portOf({ port, protocol }: URL): string {
  if (port !== '') return port;
  return protocol === 'https:' ? '443' : '80';
}

/** Starts a request to a proxy, with its credentials. */
export function requestProxy(
  proxy: URL,
  headers: OutgoingHttpHeaders,
  options: RequestOptions,
): ClientRequest {
  return (proxy.protocol === 'https:' ? httpsRequest : httpRequest)({
    ...options,
    host: hostOf(proxy),
    port: portOf(proxy),
    headers: { ...headers, ...authorizationOf(proxy) },
  });
}

function authorizationOf({ username, password }: URL): Record<string, string> {
  if (username === '' && password === '') return {};
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(credentials).toString('base64')}` };
}

/** Opens a connection to `host:port` through the CONNECT method of a proxy. */
export function openTunnel(proxy: URL, target: string, timeoutMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const options = { method: 'CONNECT', path: target, agent: false };
    const request = requestProxy(proxy, { host: target }, options);
    const refuse = (reason: string, type: string): void => {
      reject(new ExportError(`the proxy ${proxy.host} ${reason}`, type));
    };
    request.setTimeout(timeoutMs, () => {
      request.destroy();
      refuse(`did not answer within ${timeoutMs} ms`, 'timeout');
    });
    request.once('connect', ({ statusCode = 0, statusMessage = '' }, socket) => {
      if (statusCode >= 200 && statusCode < 300) {
        socket.setTimeout(0);
        resolve(socket);
        return;
      }
      socket.destroy();
      refuse(`answered HTTP ${statusCode} ${statusMessage}`.trimEnd(), 'proxy');
    });
    request.once('error', (error) => {
      refuse(`failed: ${error.message}`, 'proxy');
    });
    request.end();
  });
}

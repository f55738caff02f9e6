import { type EndpointAddress, type Parsed, endpointUrl, parseEndpoint } from './endpoints.js';
import { OTLP_GRPC_PORT, OTLP_HTTP_PORT } from './otlp.js';
import { type JaegerTarget } from './telemetry-config.interface.js';
import { type OtlpProtocol } from './telemetry-options.interface.js';

/** What an address of Jaeger means: a Thrift receiver, or its OTLP receiver. */
export type JaegerEndpoint =
  | { readonly kind: 'thrift'; readonly target: JaegerTarget }
  | { readonly kind: 'otlp'; readonly address: EndpointAddress; readonly protocol: OtlpProtocol };

const COMPACT_PORT = 6831;
const BINARY_PORT = 6832;
const THRIFT_HTTP_PORT = 14_268;
const UI_PORT = 16_686;
const EXAMPLE = 'localhost:6831 or http://localhost:4318';

/** Tells from scheme, port and path how Jaeger wants to be spoken to at this address, or what to write instead. */
export function parseJaegerEndpoint(text: string): Parsed<JaegerEndpoint> {
  const parsed = parseEndpoint(text, ['udp', 'http', 'https'], EXAMPLE);
  if (parsed.remedy !== undefined) return { remedy: parsed.remedy };
  const address = parsed.value;
  if (address.port === UI_PORT)
    return { remedy: `Port 16686 is Jaeger's user interface and receives nothing: write ${EXAMPLE}.` };
  if (address.scheme === 'udp') return udp(address);
  return isHttp(address) ? http(address) : udp(address);
}

function isHttp({ scheme, port, path }: EndpointAddress): boolean {
  if (scheme !== undefined || path !== '') return true;
  return port === THRIFT_HTTP_PORT || port === OTLP_GRPC_PORT || port === OTLP_HTTP_PORT;
}

function http(address: EndpointAddress): Parsed<JaegerEndpoint> {
  const { port, path } = address;
  if (port === COMPACT_PORT || port === BINARY_PORT)
    return { remedy: `Port ${port} listens to UDP: write ${address.host}:${port}, without scheme and path.` };
  if (port === OTLP_GRPC_PORT) return { value: { kind: 'otlp', address, protocol: 'grpc' } };
  if (port === OTLP_HTTP_PORT || path.endsWith('/v1/traces'))
    return { value: { kind: 'otlp', address, protocol: 'http/protobuf' } };
  const url = endpointUrl(address, THRIFT_HTTP_PORT, path === '' ? '/api/traces' : path);
  return { value: { kind: 'thrift', target: { transport: 'http', url } } };
}

function udp({ host, port = COMPACT_PORT, path }: EndpointAddress): Parsed<JaegerEndpoint> {
  if (path !== '') return { remedy: `UDP has no path: write udp://${host}:${port}.` };
  const protocol = port === BINARY_PORT ? 'binary' : 'compact';
  // Sockets take an IPv6 address without the brackets of a URL.
  const target = { transport: 'udp', protocol, host: host.replace(/^\[|\]$/g, ''), port } as const;
  return { value: { kind: 'thrift', target } };
}

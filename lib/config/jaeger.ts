import type { ConfigurationProblem } from '../errors/telemetry.error.js';
import { option, type OptionsOf, type ValuesIn } from './declare-options.js';
import { type EndpointAddress, endpointUrl, type Parsed, parseEndpoint } from './endpoints.js';
import { endpoint, renderEndpoint } from './option-rules.js';
import { OTLP_GRPC_PORT, OTLP_HTTP_PORT, otlpBaseUrl, type OtlpProtocol, type OtlpTarget } from './otlp.js';

/** Options for sending to Jaeger. */
export interface JaegerSection {
  /**
   * Address of Jaeger, for traces. OTLP works without another package; Thrift needs the package `@opentelemetry/exporter-jaeger` 2.
   *
   * `host:6831` (compact Thrift over UDP), `host:6832` (binary Thrift over UDP), `http://host:14268/api/traces` (Thrift over HTTP),
   * or an OTLP port (`http://host:4318`, `http://host:4317`). A host alone means `host:6831`; any other UDP port means compact Thrift.
   * Without the package that Thrift needs, an address for Thrift is an error at the start.
   *
   * Default: not sent. Env `OTEL_EXPORTER_JAEGER_ENDPOINT`.
   */
  jaegerEndpoint?: string;
}

/** One Jaeger destination, fully resolved. */
export type JaegerTarget =
  | {
      readonly transport: 'udp';
      readonly protocol: 'compact' | 'binary';
      readonly host: string;
      readonly port: number;
    }
  | { readonly transport: 'http'; readonly url: string };

/** Where a configuration sends spans to Jaeger. */
export interface ResolvedJaeger {
  /** undefined when nothing is sent to Jaeger. */
  readonly endpoint?: JaegerEndpoint | undefined;
  /** The endpoint in code that cannot be used: an error. */
  readonly problem?: ConfigurationProblem;
  /** The endpoint in the environment that cannot be used: a warning. It is left out. */
  readonly ignored?: ConfigurationProblem;
}

export const JAEGER_SECTION = {
  jaegerEndpoint: option(endpoint(parseJaegerEndpoint, 'localhost:6831'), {
    see: '#jaegerendpoint',
    env: {
      OTEL_EXPORTER_JAEGER_ENDPOINT: {
        kind: 'endpoint',
        parse: parseJaegerEndpoint,
        meaning: 'Address of Jaeger, in every spelling of `jaegerEndpoint`.',
      },
    },
  }),
} satisfies OptionsOf<JaegerSection>;

export type JaegerValues = ValuesIn<typeof JAEGER_SECTION>;

/** The receiver at an address of Jaeger: Thrift, or OTLP. */
export type JaegerEndpoint =
  | { readonly kind: 'thrift'; readonly target: JaegerTarget }
  | { readonly kind: 'otlp'; readonly address: EndpointAddress; readonly protocol: OtlpProtocol };

const COMPACT_PORT = 6831;
const BINARY_PORT = 6832;
const THRIFT_HTTP_PORT = 14_268;
const UI_PORT = 16_686;
const DEFAULT_ENDPOINT = 'localhost:6831';
const EXAMPLE = 'localhost:6831 or http://localhost:4318';

/**
 * Finds the protocol and transport of an address of Jaeger from its scheme, port and path, or the
 * remedy.
 */
export function parseJaegerEndpoint(text: string): Parsed<JaegerEndpoint> {
  const parsed = parseEndpoint(text, ['udp', 'http', 'https'], EXAMPLE);
  if (parsed.remedy !== undefined) return { remedy: parsed.remedy };
  const { scheme, port, path } = parsed.value;
  if (port === UI_PORT)
    return { remedy: `Port 16686 is Jaeger's user interface and receives nothing: write ${EXAMPLE}.` };
  const isHttp =
    scheme === undefined
      ? path !== '' || port === THRIFT_HTTP_PORT || port === OTLP_GRPC_PORT || port === OTLP_HTTP_PORT
      : scheme !== 'udp';
  return (isHttp ? http : udp)(parsed.value);
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

/**
 * Decides where Jaeger listens.
 *
 * @param variable the text of `OTEL_EXPORTER_JAEGER_ENDPOINT`
 * @param setIn where the options were written
 * @param findPackageProblem why Thrift cannot be sent, with the remedy; undefined when it can. Called only for Thrift.
 */
export function resolveJaeger(
  { jaegerEndpoint }: JaegerSection,
  env: JaegerValues & { readonly OTEL_TRACES_EXPORTER?: readonly string[] },
  variable: string | undefined,
  setIn: string,
  findPackageProblem: () => string | undefined,
): ResolvedJaeger {
  const exporters = env.OTEL_TRACES_EXPORTER;
  if (exporters !== undefined && !exporters.includes('jaeger')) return {};
  const inEnvironment = env.OTEL_EXPORTER_JAEGER_ENDPOINT;
  const local = exporters === undefined ? undefined : parseJaegerEndpoint(DEFAULT_ENDPOINT).value;
  const endpoint =
    jaegerEndpoint === undefined ? (inEnvironment ?? local) : parseJaegerEndpoint(jaegerEndpoint).value;
  const remedy = thriftRemedy(endpoint, findPackageProblem);
  if (remedy === undefined) return { endpoint };
  if (jaegerEndpoint !== undefined) {
    const received = renderEndpoint(jaegerEndpoint);
    return { problem: { name: 'jaegerEndpoint', received, setIn, remedy } };
  }
  const source =
    inEnvironment === undefined
      ? { name: 'OTEL_TRACES_EXPORTER', received: '"jaeger"' }
      : { name: 'OTEL_EXPORTER_JAEGER_ENDPOINT', received: renderEndpoint(variable ?? '') };
  return { ignored: { ...source, setIn: 'environment', remedy } };
}

function thriftRemedy(
  endpoint: JaegerEndpoint | undefined,
  findPackageProblem: () => string | undefined,
): string | undefined {
  if (endpoint?.kind !== 'thrift') return undefined;
  const problem = findPackageProblem();
  if (problem === undefined) return undefined;
  const { target } = endpoint;
  const host = target.transport === 'udp' ? target.host : new URL(target.url).hostname;
  const written = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
  return `${problem} Or write http://${written}:${OTLP_HTTP_PORT}, where Jaeger takes OTLP, which needs no package.`;
}

/**
 * The target of an OTLP port of Jaeger. It gets none of the OTLP headers: they are the credentials of
 * another receiver.
 */
export function jaegerOtlpTarget(endpoint: Extract<JaegerEndpoint, { kind: 'otlp' }>): OtlpTarget {
  const { address, protocol } = endpoint;
  const url = otlpBaseUrl(address, protocol, 'traces');
  return Object.freeze({ url, protocol, headers: Object.freeze({}) });
}

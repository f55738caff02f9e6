import { type Signal } from './known-values.constants.js';
import { type EndpointAddress, endpointOrigin, endpointUrl, parseEndpoint } from './parse-endpoint.js';
import { type Parsed } from './parsed.interface.js';
import { type OtlpProtocol } from './telemetry-options.interface.js';

/** Ports that the OpenTelemetry specification gives to OTLP. */
export const OTLP_GRPC_PORT = 4317;
export const OTLP_HTTP_PORT = 4318;

/** Takes an OTLP address apart, or says what to write instead. */
export function parseOtlpEndpoint(text: string): Parsed<EndpointAddress> {
  return parseEndpoint(text, ['http', 'https'], 'http://localhost:4318 or localhost:4317');
}

/** What a receiver at this address most likely speaks. */
export function inferOtlpProtocol(address: EndpointAddress): OtlpProtocol {
  return address.port === OTLP_GRPC_PORT ? 'grpc' : 'http/protobuf';
}

/** Complete address for one signal of a receiver whose base address is given: HTTP gets `/v1/<signal>` appended. */
export function otlpBaseUrl(address: EndpointAddress, protocol: OtlpProtocol, signal: Signal): string {
  if (protocol === 'grpc') return grpcUrl(address);
  // A base address copied from a per-signal one would otherwise end in /v1/traces/v1/traces.
  const base = address.path.replace(/\/v1\/(?:traces|metrics|logs)$/, '');
  return endpointUrl(address, OTLP_HTTP_PORT, `${base}/v1/${signal}`);
}

/** Complete address of a per-signal variable, which the specification wants used as it is. */
export function otlpSignalUrl(address: EndpointAddress, protocol: OtlpProtocol): string {
  if (protocol === 'grpc') return grpcUrl(address);
  return endpointUrl(address, OTLP_HTTP_PORT, address.path === '' ? '/' : address.path);
}

function grpcUrl(address: EndpointAddress): string {
  return endpointOrigin(address, address.port ?? (address.scheme === 'https' ? 443 : OTLP_GRPC_PORT));
}

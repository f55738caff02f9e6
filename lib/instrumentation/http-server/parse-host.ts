const DEFAULT_PORTS: Readonly<Record<string, number>> = { http: 80, https: 443 };

/** Splits what a `Host` header or `:authority` says; without a port it means the scheme's. undefined when it says nothing. */
export function parseHost(
  host: string | undefined,
  scheme: string,
): { readonly address: string; readonly port: number } | undefined {
  if (host === undefined || host === '') return undefined;
  const colon = host.lastIndexOf(':');
  const hasPort = colon > host.lastIndexOf(']');
  const port = hasPort ? Number(host.slice(colon + 1)) : Number.NaN;
  return {
    address: hasPort ? host.slice(0, colon) : host,
    port: Number.isInteger(port) && port > 0 ? port : (DEFAULT_PORTS[scheme] ?? 80),
  };
}

/** What became of a text: the value, or what to write instead; both when only a part of it can be used. */
export type Parsed<T> =
  { readonly value: T; readonly remedy?: undefined } | { readonly value?: T; readonly remedy: string };

/** An address taken apart; what was not written is undefined. */
export interface EndpointAddress {
  /** `http`, without the colon. */
  readonly scheme: string | undefined;
  /** As it stands in a URL: IPv6 in brackets. */
  readonly host: string;
  readonly port: number | undefined;
  /** Without a trailing slash; empty when there is none. */
  readonly path: string;
  /** With its question mark; empty when there is none. */
  readonly query: string;
}

/**
 * Takes `[scheme://]host[:port][/path][?query]` apart, or says what to write instead.
 *
 * @param schemes those that may be written
 * @param example a good address, for the remedy
 */
export function parseEndpoint(
  text: string,
  schemes: readonly string[],
  example: string,
): Parsed<EndpointAddress> {
  const trimmed = text.trim();
  const scheme = /^([a-z][a-z\d+.-]*):\/\//i.exec(trimmed)?.[1];
  if (scheme !== undefined && !schemes.includes(scheme.toLowerCase()))
    return { remedy: `Write one of the schemes ${schemes.join(', ')}, or none: ${example}.` };

  const rest = scheme === undefined ? trimmed : trimmed.slice(scheme.length + '://'.length);
  const authority = /^[^/?#]*/.exec(rest)?.[0] ?? '';
  if (authority.includes('@'))
    return {
      remedy:
        'Leave credentials out of the address, they are not sent; OTLP takes them as an `authorization` header.',
    };
  if (!authority.startsWith('[') && authority.split(':').length > 2)
    return { remedy: `Put an IPv6 address in brackets and write the port once: [::1]:4317, or ${example}.` };

  const [, host, portText] = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/.exec(authority) ?? [];
  if (host === undefined || host === '') return { remedy: `Write a host, for example ${example}.` };
  if (portText !== undefined && !isPort(portText))
    return { remedy: `Write a port from 1 to 65535 after the host, for example ${example}.` };

  const url = toUrl(`http://${host}${rest.slice(authority.length)}`);
  if (url === undefined) return { remedy: `Write a host name or an IP address, for example ${example}.` };
  return {
    value: {
      scheme: scheme?.toLowerCase(),
      host: url.hostname,
      port: portText === undefined ? undefined : Number(portText),
      path: url.pathname.replace(/\/+$/, ''),
      query: url.search,
    },
  };
}

/** Writes an address as a URL; `defaultPort` is used when neither a port nor a scheme was written. */
export function endpointUrl(address: EndpointAddress, defaultPort: number, path: string): string {
  const port = address.port ?? (address.scheme === undefined ? defaultPort : undefined);
  return `${endpointOrigin(address, port)}${path}${address.query}`;
}

/** `http://host:port`; `http` where no scheme was written. */
export function endpointOrigin(address: EndpointAddress, port: number | undefined): string {
  return `${address.scheme ?? 'http'}://${address.host}${port === undefined ? '' : `:${port}`}`;
}

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535;
}

function toUrl(text: string): URL | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  // URL takes `${HOST}` for a host name; no resolver does.
  return /^(\[[\da-f:.]+\]|[\w.-]+)$/i.test(url.hostname) ? url : undefined;
}

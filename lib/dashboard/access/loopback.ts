/** Whether an address of a socket is of this machine, `::ffff:127.0.0.1` included. */
export function isLoopback(address: string | undefined): boolean {
  if (address === undefined) return false;
  const plain = address.toLowerCase().replace(/^::ffff:(?=\d+\.)/, '');
  return plain === '::1' || /^127(\.\d{1,3}){3}$/.test(plain);
}

/** The addresses that proxies say a request came from; empty when no proxy says anything. */
export function forwardedAddresses(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): string[] {
  const lists = [headers['x-forwarded-for'], headers['x-real-ip']].flatMap(partsOf);
  const standard = partsOf(headers.forwarded)
    .flatMap((part) => part.split(';'))
    .map((pair) => /^\s*for=(.*)$/i.exec(pair)?.[1])
    .filter((value) => value !== undefined);
  return [...lists, ...standard].map(withoutPort).filter((address) => address !== '');
}

function partsOf(header: string | string[] | undefined): string[] {
  if (header === undefined) return [];
  return (Array.isArray(header) ? header : [header]).flatMap((text) => text.split(','));
}

function withoutPort(text: string): string {
  const plain = text.trim().replaceAll('"', '');
  const bracketed = /^\[([^\]]*)\]/.exec(plain)?.[1];
  return bracketed ?? plain.replace(/^(\d+(?:\.\d+){3}):\d+$/, '$1');
}

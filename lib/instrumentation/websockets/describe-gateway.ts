/** What names a gateway on spans and metrics; all of it is written in code, none of it comes from clients. */
export interface GatewayIdentity {
  readonly gateway: string;
  /** The namespace (socket.io) or path (ws) that the gateway was declared with. */
  readonly namespace: string | undefined;
}

interface MetadataReflection {
  readonly getMetadata?: (key: string, target: object) => unknown;
}

/** Where `@WebSocketGateway()` leaves its options. */
const GATEWAY_OPTIONS = 'websockets:gateway_options';

export function describeGateway(gateway: object): GatewayIdentity {
  const { constructor } = gateway;
  const options = (Reflect as MetadataReflection).getMetadata?.(GATEWAY_OPTIONS, constructor);
  return { gateway: constructor.name, namespace: namespaceOf(options) };
}

/** What `@SubscribeMessage()` says, which some adapters let be an object. */
export function describeEvent(message: unknown): string {
  if (typeof message === 'string') return message;
  try {
    const text: unknown = JSON.stringify(message);
    // Nothing, whatever its type says, for what JSON has no word for.
    return typeof text === 'string' ? text : String(message);
  } catch {
    // Circular: whatever the adapter makes of it, as a name it says nothing.
    return 'unknown';
  }
}

function namespaceOf(options: unknown): string | undefined {
  if (typeof options !== 'object' || options === null) return undefined;
  const { namespace, path } = options as { readonly namespace?: unknown; readonly path?: unknown };
  if (namespace instanceof RegExp) return String(namespace);
  // The path of socket.io is where its protocol lives, the same for all; that of ws is all that tells gateways apart.
  const name = namespace ?? path;
  return typeof name === 'string' && name !== '' && name !== '/' ? withLeadingSlash(name) : undefined;
}

function withLeadingSlash(name: string): string {
  return name.startsWith('/') ? name : `/${name}`;
}

import { context, SpanKind } from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';

import {
  ATTR_CODE_FUNCTION_NAME,
  ATTR_NESTJS_WEBSOCKET_EVENT,
  ATTR_NESTJS_WEBSOCKET_GATEWAY,
  ATTR_NESTJS_WEBSOCKET_NAMESPACE,
} from '../../config/semantic-conventions.constants.js';
import { replaceMembers } from '../../invocation/patch.js';
import { recordWebSocketMessage } from '../../metrics/websocket-metrics.js';
import { currentRuntime } from '../../runtime/sdk-runtime.js';
import { Connections } from './connections.js';
import { GatewayCall, type GatewayHandler, withFailuresNoted, withHandlersNoting } from './gateway-call.js';

/**
 * Shapes of `@nestjs/websockets` 11 and 12 as far as they are used here; the package is never
 * imported.
 */

type AnyFunction = (...args: unknown[]) => unknown;

/** What connects the gateways of one application, one after the other. */
export interface SocketModuleLike {
  readonly webSocketsController?: WebSocketsControllerLike;
  connectGatewayToServer: AnyFunction;
}

interface WebSocketsControllerLike {
  readonly config: { getIoAdapter(): WebSocketAdapterLike };
  readonly contextCreator: { wsProxy: WsProxyLike };
  /** Nest 12 only: used where a request-scoped gateway cannot be made. */
  exceptionFiltersContext?: ExceptionFiltersContextLike;
  /**
   * Called once per gateway; the first argument is the gateway on Nest 11, its `InstanceWrapper` on
   * Nest 12.
   */
  subscribeEvents(target: object, handlers: readonly MessageHandlerLike[], ...rest: unknown[]): unknown;
  subscribeInitEvent(gateway: object, event: unknown): unknown;
  subscribeConnectionEvent(target: HookTarget, event: unknown): unknown;
  subscribeDisconnectEvent(target: HookTarget, event: unknown): unknown;
  getConnectionHandler(...args: unknown[]): AnyFunction;
}

/** The gateway on Nest 11, a function or nothing on Nest 12. */
type HookTarget = object | undefined;

interface MessageHandlerLike {
  readonly message: unknown;
  readonly methodName: string;
  /**
   * Takes the client and what it sent; resolves to the answer, or to an Observable of answers. Does
   * not reject.
   */
  readonly callback: (this: unknown, ...args: unknown[]) => unknown;
}

/** Surrounds a handler with its exception filters. */
export interface WsProxyLike {
  create(target: (...args: unknown[]) => Promise<unknown>, ...rest: unknown[]): unknown;
}

export interface ExceptionFiltersContextLike {
  create(...args: unknown[]): ExceptionHandlerLike;
}

export interface ExceptionHandlerLike {
  handle(exception: unknown, host: unknown): unknown;
}

export interface WebSocketAdapterLike {
  bindClientDisconnect?(client: unknown, callback: () => void): unknown;
}

type Hook = 'afterInit' | 'handleConnection' | 'handleDisconnect';
type Callback = (this: unknown, ...args: unknown[]) => unknown;

/**
 * Records every message that the gateways of one application handle, and their lifecycle hooks,
 * from where Nest binds them to their server: once per handler and not once per connection. Returns
 * the undo.
 */
export function observeController(controller: WebSocketsControllerLike): () => void {
  let active = true;
  const connections = new Connections();
  /** The gateway that is being bound: Nest binds one after the other, synchronously. */
  let binding: { readonly gateway: object; readonly identity: GatewayIdentity } | undefined;

  const record = (handler: GatewayHandler, original: Callback): Callback =>
    function (this: unknown, ...args) {
      if (!active || currentRuntime() === undefined || isTracingSuppressed(context.active())) {
        return original.apply(this, args);
      }
      return GatewayCall.run(handler, connections.linksOf(args[0]), () => original.apply(this, args));
    };

  const recordHook = (target: HookTarget, hook: Hook): HookTarget => {
    if (binding === undefined) return target;
    const { gateway, identity } = binding;
    const own = (gateway as Partial<Record<Hook, Callback>>)[hook];
    if (own === undefined || target === undefined) return target;
    const handler = describeHook(identity, hook);
    if (typeof target === 'function') return record(handler, target as Callback);
    return {
      [hook]: record(handler, (...args) => (target as Record<Hook, Callback>)[hook](...args)),
    };
  };

  const subscribeEvents = controller.subscribeEvents.bind(controller);
  const subscribeInitEvent = controller.subscribeInitEvent.bind(controller);
  const subscribeConnectionEvent = controller.subscribeConnectionEvent.bind(controller);
  const subscribeDisconnectEvent = controller.subscribeDisconnectEvent.bind(controller);
  const getConnectionHandler = controller.getConnectionHandler.bind(controller);
  const patched = replaceMembers(controller, {
    subscribeEvents: (target: object, handlers: readonly MessageHandlerLike[], ...rest: unknown[]) => {
      const gateway = gatewayOf(target);
      const identity = describeGateway(gateway);
      binding = { gateway, identity };
      try {
        const recorded = handlers.map((handler) => ({
          ...handler,
          callback: record(describeMessage(identity, handler), handler.callback),
        }));
        return subscribeEvents(target, recorded, ...rest);
      } finally {
        binding = undefined;
      }
    },
    subscribeInitEvent: (gateway: object, event: unknown) =>
      subscribeInitEvent(recordHook(gateway, 'afterInit') ?? gateway, event),
    subscribeConnectionEvent: (target: HookTarget, event: unknown) =>
      subscribeConnectionEvent(recordHook(target, 'handleConnection'), event),
    subscribeDisconnectEvent: (target: HookTarget, event: unknown) =>
      subscribeDisconnectEvent(recordHook(target, 'handleDisconnect'), event),
    getConnectionHandler: (...args: unknown[]) => {
      const namespace = binding?.identity.namespace;
      const handle = getConnectionHandler(...args);
      return (...connection: unknown[]) => {
        const [client, request] = connection;
        if (active) connections.open(client, request, controller.config.getIoAdapter(), namespace);
        return handle(...connection);
      };
    },
    ...(controller.exceptionFiltersContext !== undefined && {
      exceptionFiltersContext: withHandlersNoting(controller.exceptionFiltersContext),
    }),
  });
  const { contextCreator } = controller;
  const proxy = replaceMembers(contextCreator, { wsProxy: withFailuresNoted(contextCreator.wsProxy) });
  return () => {
    active = false;
    patched?.restore();
    proxy?.restore();
  };
}

/** Nest 12 hands over the `InstanceWrapper` of the gateway, Nest 11 the gateway. */
function gatewayOf(target: object): object {
  return 'isDependencyTreeStatic' in target && 'instance' in target ? (target.instance as object) : target;
}

/**
 * SERVER and not CONSUMER: the client is connected while its message is handled and gets the
 * answer, the acknowledgement or the exception, as in a call; there is no queue between the two.
 */
function describeMessage(identity: GatewayIdentity, { message }: MessageHandlerLike): GatewayHandler {
  const { gateway, namespace } = identity;
  const event = describeEvent(message);
  return {
    spanName: namespace === undefined ? `WS ${event}` : `WS ${namespace} ${event}`,
    kind: SpanKind.SERVER,
    attributes: Object.freeze({ ...attributesOf(identity), [ATTR_NESTJS_WEBSOCKET_EVENT]: event }),
    onEnd: ({ durationSeconds, errorType, context }) => {
      recordWebSocketMessage({ gateway, namespace, event, durationSeconds, errorType, context });
    },
  };
}

function describeHook(identity: GatewayIdentity, hook: Hook): GatewayHandler {
  const spanName = `${identity.gateway}.${hook}`;
  return {
    spanName,
    kind: hook === 'handleConnection' ? SpanKind.SERVER : SpanKind.INTERNAL,
    attributes: Object.freeze({ ...attributesOf(identity), [ATTR_CODE_FUNCTION_NAME]: spanName }),
  };
}

function attributesOf({ gateway, namespace }: GatewayIdentity): Record<string, string> {
  return {
    [ATTR_NESTJS_WEBSOCKET_GATEWAY]: gateway,
    ...(namespace !== undefined && { [ATTR_NESTJS_WEBSOCKET_NAMESPACE]: namespace }),
  };
}

/**
 * What names a gateway on spans and metrics; all of it is written in code, none of it comes from
 * clients.
 */
interface GatewayIdentity {
  readonly gateway: string;
  /** The namespace (socket.io) or path (ws) that the gateway was declared with. */
  readonly namespace: string | undefined;
}

interface MetadataReflection {
  readonly getMetadata?: (key: string, target: object) => unknown;
}

/** Where `@WebSocketGateway()` leaves its options. */
const GATEWAY_OPTIONS = 'websockets:gateway_options';

function describeGateway(gateway: object): GatewayIdentity {
  const { constructor } = gateway;
  const options = (Reflect as MetadataReflection).getMetadata?.(GATEWAY_OPTIONS, constructor);
  return { gateway: constructor.name, namespace: namespaceOf(options) };
}

/** What `@SubscribeMessage()` says, which some adapters let be an object. */
function describeEvent(message: unknown): string {
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
  // The path of socket.io is where its protocol lives, the same for all; that of ws is what
  // distinguishes gateways.
  const name = namespace ?? path;
  return typeof name === 'string' && name !== '' && name !== '/' ? withLeadingSlash(name) : undefined;
}

function withLeadingSlash(name: string): string {
  return name.startsWith('/') ? name : `/${name}`;
}

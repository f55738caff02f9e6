import { context, SpanKind } from '@opentelemetry/api';

import {
  ATTR_CODE_FUNCTION_NAME,
  ATTR_NESTJS_WEBSOCKET_EVENT,
  ATTR_NESTJS_WEBSOCKET_GATEWAY,
  ATTR_NESTJS_WEBSOCKET_NAMESPACE,
} from '../../config/semantic-conventions.constants.js';
import { isTracingSuppressed } from '../../engine/suppressed-tracing.js';
import { patch, replaceMembers } from '../../invocation/patch.js';
import { type AnyMethod } from '../../invocation/wrap-method.js';
import { recordWebSocketMessage } from '../../metrics/websocket-metrics.js';
import { type Undo, undoAll } from '../../process/undo-all.js';
import { currentRuntime } from '../../runtime/sdk-runtime.js';
import { Connections } from './connections.js';
import { GatewayCall, type GatewayHandler, withFailuresNoted, withHandlersNoting } from './gateway-call.js';

/** Shapes of `@nestjs/websockets` 11 and 12 as far as they are used; it is never imported. */

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
  readonly callback: AnyMethod;
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

/** Lifecycle hooks of gateways, by the method that binds them. */
const HOOKS = {
  subscribeInitEvent: 'afterInit',
  subscribeConnectionEvent: 'handleConnection',
  subscribeDisconnectEvent: 'handleDisconnect',
} as const;

type HookBinder = keyof typeof HOOKS;
type Hook = (typeof HOOKS)[HookBinder];

/**
 * Records the messages and lifecycle hooks of the gateways of one application, from where Nest
 * binds them: once per handler and not once per connection. Returns the undo.
 */
export function observeController(controller: WebSocketsControllerLike): Undo {
  let active = true;
  const connections = new Connections();
  /** The gateway that is being bound: Nest binds one after the other, synchronously. */
  let binding: { readonly gateway: object; readonly identity: GatewayIdentity } | undefined;

  const record = (handler: GatewayHandler, original: AnyMethod): AnyMethod =>
    function (this: unknown, ...args) {
      if (!active || currentRuntime() === undefined || isTracingSuppressed(context.active())) {
        return original.apply(this, args);
      }
      return GatewayCall.run(handler, connections.linksOf(args[0]), () => original.apply(this, args));
    };

  const recordHook = (target: HookTarget, hook: Hook): HookTarget => {
    if (binding === undefined) return target;
    const { gateway, identity } = binding;
    const own = (gateway as Partial<Record<Hook, AnyMethod>>)[hook];
    if (own === undefined || target === undefined) return target;
    const handler = describeHook(identity, hook);
    if (typeof target === 'function') return record(handler, target as AnyMethod);
    return { [hook]: record(handler, (...args) => (target as Record<Hook, AnyMethod>)[hook](...args)) };
  };

  const filters = controller.exceptionFiltersContext;
  const { contextCreator } = controller;
  const undo = [
    patch<WebSocketsControllerLike['subscribeEvents']>(
      controller,
      'subscribeEvents',
      (original) =>
        function (this: WebSocketsControllerLike, target, handlers, ...rest) {
          const gateway = gatewayOf(target);
          const identity = describeGateway(gateway);
          binding = { gateway, identity };
          try {
            const recorded = handlers.map((handler) => ({
              ...handler,
              callback: record(describeMessage(identity, handler), handler.callback),
            }));
            return original.call(this, target, recorded, ...rest);
          } finally {
            binding = undefined;
          }
        },
    ),
    patch(
      controller,
      'getConnectionHandler',
      (original, patched) =>
        function (...args) {
          const namespace = binding?.identity.namespace;
          const handle = original.apply(this, args) as AnyFunction;
          return (...connection: unknown[]) => {
            const [client, request] = connection;
            if (patched.active)
              connections.open(client, request, controller.config.getIoAdapter(), namespace);
            return handle(...connection);
          };
        },
    ),
    patch(
      controller,
      Object.keys(HOOKS),
      (original, _patched, name) =>
        function (target, event) {
          return original.call(this, recordHook(target as HookTarget, HOOKS[name as HookBinder]), event);
        },
    ),
  ];
  const replaced = [
    replaceMembers(contextCreator, { wsProxy: withFailuresNoted(contextCreator.wsProxy) }),
    filters && replaceMembers(controller, { exceptionFiltersContext: withHandlersNoting(filters) }),
  ];
  return () => {
    active = false;
    for (const members of replaced) members?.restore();
    undoAll(undo)();
  };
}

/** Nest 12 hands over the `InstanceWrapper` of the gateway, Nest 11 the gateway. */
function gatewayOf(target: object): object {
  return 'isDependencyTreeStatic' in target && 'instance' in target ? (target.instance as object) : target;
}

/** SERVER and not CONSUMER: the client waits for the answer as in a call, without a queue. */
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

/** What names a gateway on spans and metrics; none of it comes from clients. */
interface GatewayIdentity {
  readonly gateway: string;
  /** The namespace (socket.io) or path (ws) that the gateway was declared with. */
  readonly namespace: string | undefined;
}

interface MetadataReflection {
  readonly getMetadata?: (key: string, target: object) => unknown;
}

function describeGateway(gateway: object): GatewayIdentity {
  const { constructor } = gateway;
  const options = (Reflect as MetadataReflection).getMetadata?.('websockets:gateway_options', constructor);
  return { gateway: constructor.name, namespace: namespaceOf(options) };
}

/** The event of `@SubscribeMessage()`, which is an object for some adapters. */
function describeEvent(message: unknown): string {
  if (typeof message === 'string') return message;
  try {
    const text: unknown = JSON.stringify(message);
    // undefined, whatever its type is, for what JSON cannot write.
    return typeof text === 'string' ? text : String(message);
  } catch {
    // Circular.
    return 'unknown';
  }
}

function namespaceOf(options: unknown): string | undefined {
  if (typeof options !== 'object' || options === null) return undefined;
  const { namespace, path } = options as { readonly namespace?: unknown; readonly path?: unknown };
  if (namespace instanceof RegExp) return String(namespace);
  // The path distinguishes gateways of ws; that of socket.io is the same for all.
  const name = namespace ?? path;
  if (typeof name !== 'string' || name === '' || name === '/') return undefined;
  return name.startsWith('/') ? name : `/${name}`;
}

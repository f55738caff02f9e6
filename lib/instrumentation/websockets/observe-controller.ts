import { context, SpanKind } from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';

import {
  ATTR_CODE_FUNCTION_NAME,
  ATTR_NESTJS_WEBSOCKET_EVENT,
  ATTR_NESTJS_WEBSOCKET_GATEWAY,
  ATTR_NESTJS_WEBSOCKET_NAMESPACE,
} from '../../config/semantic-conventions.constants.js';
import { patchMembers } from '../../invocation/patched-members.js';
import { recordWebSocketMessage } from '../../metrics/websocket-metrics.js';
import { currentRuntime } from '../../runtime/runtime-state.js';
import { Connections } from './connections.js';
import { describeEvent, describeGateway, type GatewayIdentity } from './describe-gateway.js';
import { GatewayCall, type GatewayHandler } from './gateway-call.js';
import {
  type HookTarget,
  type MessageHandlerLike,
  type WebSocketsControllerLike,
} from './nest-websockets.interface.js';
import { withFailuresNoted, withHandlersNoting } from './note-failures.js';

type Hook = 'afterInit' | 'handleConnection' | 'handleDisconnect';
type Callback = (this: unknown, ...args: unknown[]) => unknown;

/**
 * Records every message that the gateways of one application handle, and their lifecycle hooks, from where Nest binds
 * them to their server: once per handler and not once per connection. Returns the undo.
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
  const patched = patchMembers(controller, {
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
  const proxy = patchMembers(contextCreator, { wsProxy: withFailuresNoted(contextCreator.wsProxy) });
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
 * SERVER and not CONSUMER: the client is connected while its message is handled and gets the answer, the
 * acknowledgement or the exception, as in a call; there is no queue between the two.
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

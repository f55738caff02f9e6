/** Shapes of `@nestjs/websockets` 11 and 12 as far as they are used here; the package is never imported. */

type AnyFunction = (...args: unknown[]) => unknown;

/** What connects the gateways of one application, one after the other. */
export interface SocketModuleLike {
  readonly webSocketsController?: WebSocketsControllerLike;
  connectGatewayToServer: AnyFunction;
}

export interface WebSocketsControllerLike {
  readonly config: { getIoAdapter(): WebSocketAdapterLike };
  readonly contextCreator: { wsProxy: WsProxyLike };
  /** Nest 12 only: used where a request-scoped gateway cannot be made. */
  exceptionFiltersContext?: ExceptionFiltersContextLike;
  /** Called once per gateway; the first argument is the gateway on Nest 11, its `InstanceWrapper` on Nest 12. */
  subscribeEvents(target: object, handlers: readonly MessageHandlerLike[], ...rest: unknown[]): unknown;
  subscribeInitEvent(gateway: object, event: unknown): unknown;
  subscribeConnectionEvent(target: HookTarget, event: unknown): unknown;
  subscribeDisconnectEvent(target: HookTarget, event: unknown): unknown;
  getConnectionHandler(...args: unknown[]): AnyFunction;
}

/** The gateway on Nest 11, a function or nothing on Nest 12. */
export type HookTarget = object | undefined;

export interface MessageHandlerLike {
  readonly message: unknown;
  readonly methodName: string;
  /** Takes the client and what it sent; resolves to the answer, or to an Observable of answers. Does not reject. */
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

import { context, ROOT_CONTEXT } from '@opentelemetry/api';

import { ATTR_MESSAGING_BATCH_MESSAGE_COUNT } from '../../../config/semantic-conventions.constants.js';
import { isTracingSuppressed } from '../../../engine/suppressed-tracing.js';
import { patch } from '../../../invocation/patch.js';
import { type AnyMethod } from '../../../invocation/wrap-method.js';
import { processWide } from '../../../process/process-wide.js';
import { type Undo, undoAll } from '../../../process/undo-all.js';
import { classesIn, type ContainerModules, instancesIn } from '../../container/container-classes.js';
import { isMicroservicesEnabled } from '../operation.js';
import { type Transport } from '../transports.js';
import { carryContext, prepareClient } from './carry-context.js';
import { CallDescriptions, type ClientProxyLike } from './describe-call.js';
import { instrumentGrpcService, instrumentGrpcServices } from './record-grpc-request.js';
import { recordEvent, recordRequest } from './record-sent.js';

/** The prototypes of clients that any copy of this package has patched in this process. */
const state = processWide('microservice-clients', () => ({
  prototypes: new WeakSet<object>(),
  undo: [] as Undo[],
}));

/** What each known client sends. */
const known = new WeakMap<object, CallDescriptions>();

/** Restores the prototypes of all clients. */
export function releaseClients(): void {
  undoAll(state.undo)();
  state.prototypes = new WeakSet();
}

/**
 * Records what every client of that `ClientProxy` sends, whichever way it was or will be made. Once
 * per prototype and process.
 */
export function instrumentClientProxy(clientProxy: object): void {
  if (state.prototypes.has(clientProxy)) return;
  state.prototypes.add(clientProxy);
  state.undo.push(
    patch(clientProxy, 'send', (original) => recordingSend(clientProxy, original)),
    patch(clientProxy, 'emit', (original) => recordingEmit(clientProxy, original)),
  );
}

/** Records the batches of every Kafka client: `emitBatch` may be its first call. */
export function instrumentKafkaClients(prototype: object, clientProxy: object): void {
  instrumentTransport(prototype, clientProxy, 'kafka');
}

/**
 * Instruments what a client alone has, once, and returns the descriptions of what it sends. It must
 * be an instance: the address it sends to is in its fields.
 */
function instrumentClient(client: ClientProxyLike, clientProxy: object): CallDescriptions {
  let descriptions = known.get(client);
  if (descriptions === undefined) {
    descriptions = new CallDescriptions(client);
    known.set(client, descriptions);
    prepareClient(client, descriptions.transport);
  }
  instrumentTransport(client, clientProxy, descriptions.transport);
  if (descriptions.transport === 'grpc') state.undo.push(...instrumentGrpcServices(client));
  return descriptions;
}

/** Patches the prototypes between a client and `ClientProxy`, once for all that share them. */
function instrumentTransport(client: object, clientProxy: object, transport: Transport): void {
  const levels: object[] = [];
  for (let level = client; level !== clientProxy; level = Object.getPrototypeOf(level) as object)
    levels.push(level);
  // NestJS's class of one transport, or the application's own.
  const lowest = levels.at(-1);
  if (lowest === undefined || state.prototypes.has(lowest)) return;
  if (lowest === client && !Object.hasOwn(client, 'constructor')) return;
  state.prototypes.add(lowest);
  const patches = [...carryContext(transport), ['connect', outsideOfTraces] as const];
  if (transport === 'kafka') patches.push(['emitBatch', recordingEmitBatch]);
  if (transport === 'grpc') patches.push(['createClientByServiceName', instrumentingCreated]);
  for (const [name, wrap] of patches) {
    // Nearest to `ClientProxy`: subclasses call it, and would record a second time.
    const owner = levels.findLast((level) => Object.hasOwn(level, name));
    if (owner !== undefined) state.undo.push(patch(owner, name, wrap));
  }
}

function isRecorded(pattern: unknown, data: unknown): boolean {
  // NestJS refuses these; the refusal is the caller's mistake, and nothing is sent.
  if (pattern === undefined || pattern === null || data === undefined || data === null) return false;
  return isMicroservicesEnabled() && !isTracingSuppressed(context.active());
}

function namePattern(client: ClientProxyLike, pattern: unknown): string {
  return String(client.normalizePattern?.(pattern) ?? pattern);
}

type Sent = ReturnType<ClientProxyLike['send']>;

function recordingSend(clientProxy: object, original: AnyMethod): AnyMethod {
  return function (pattern, data, ...rest) {
    const source = original.call(this, pattern, data, ...rest) as Sent;
    if (!isRecorded(pattern, data)) return source;
    const client = this as ClientProxyLike;
    return recordRequest(instrumentClient(client, clientProxy).request(namePattern(client, pattern)), source);
  };
}

function recordingEmit(clientProxy: object, original: AnyMethod): AnyMethod {
  return function (pattern, data, ...rest) {
    const emit = () => original.call(this, pattern, data, ...rest) as Sent;
    if (!isRecorded(pattern, data)) return emit();
    const client = this as ClientProxyLike;
    return recordEvent(instrumentClient(client, clientProxy).event(namePattern(client, pattern)), emit);
  };
}

function recordingEmitBatch(original: AnyMethod): AnyMethod {
  return function (pattern, data, ...rest) {
    const emit = () => original.call(this, pattern, data, ...rest) as Sent;
    const client = this as ClientProxyLike;
    const clientProxy = isRecorded(pattern, data) ? findClientProxy(client) : undefined;
    if (clientProxy === undefined) return emit();
    const count = (data as { messages?: { length?: number } }).messages?.length;
    const description = instrumentClient(client, clientProxy).event(namePattern(client, pattern));
    return recordEvent(
      description,
      emit,
      count === undefined ? undefined : { [ATTR_MESSAGING_BATCH_MESSAGE_COUNT]: count },
    );
  };
}

function instrumentingCreated(original: AnyMethod): AnyMethod {
  return function (...args) {
    const service = original.apply(this, args);
    if (typeof service === 'object' && service !== null)
      state.undo.push(...instrumentGrpcService(service, this as object));
    return service;
  };
}

/** The first sender opens the connection that all share: it belongs in no trace. */
function outsideOfTraces(original: AnyMethod): AnyMethod {
  return function (...args) {
    return context.with(ROOT_CONTEXT, () => original.apply(this, args));
  };
}

/**
 * Instruments the clients of an application: what `ClientsModule` provides, classes of clients that
 * are providers, and clients in a property of a provider or controller (`@Client()`,
 * `ClientProxyFactory.create()`).
 */
export function instrumentClients(modules: ContainerModules): void {
  for (const { prototype } of classesIn(modules)) findClientProxyBelow(prototype);
  for (const instance of instancesIn(modules)) {
    instrumentIfClient(instance);
    instrumentClientsOf(instance);
  }
}

/** Only data properties: an accessor may do anything when it is read. */
function instrumentClientsOf(instance: object): void {
  if (ArrayBuffer.isView(instance)) return;
  try {
    for (const name of Object.getOwnPropertyNames(instance))
      instrumentIfClient(Object.getOwnPropertyDescriptor(instance, name)?.value);
  } catch {
    // A proxy that refuses to be read holds no client that could be found.
  }
}

function instrumentIfClient(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  const clientProxy = findClientProxy(value);
  if (clientProxy !== undefined) instrumentClient(value as ClientProxyLike, clientProxy);
}

/** The prototype of NestJS's `ClientProxy` below an instance; undefined where it is no client. */
function findClientProxy(instance: object): object | undefined {
  try {
    return findClientProxyBelow(Object.getPrototypeOf(instance));
  } catch {
    // A proxy of the application's that refuses to be read.
    return undefined;
  }
}

/** The methods that distinguish NestJS's `ClientProxy` from other classes with a `send`. */
const CLIENT_PROXY_METHODS = ['send', 'emit', 'createObserver', 'connect$'];

/**
 * The `ClientProxy` below each prototype, false where there is none: many instances have few
 * prototypes.
 */
const clientProxies = new WeakMap<object, object | false>();

function findClientProxyBelow(prototype: unknown): object | undefined {
  if (typeof prototype !== 'object' || prototype === null) return undefined;
  let clientProxy = clientProxies.get(prototype);
  if (clientProxy === undefined) {
    const isClientProxy = CLIENT_PROXY_METHODS.every((name) => Object.hasOwn(prototype, name));
    clientProxy = isClientProxy ? prototype : (findClientProxy(prototype) ?? false);
    clientProxies.set(prototype, clientProxy);
  }
  if (clientProxy === false) return undefined;
  instrumentClientProxy(clientProxy);
  return clientProxy;
}

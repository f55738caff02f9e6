import { context, ROOT_CONTEXT } from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';

import { ATTR_MESSAGING_BATCH_MESSAGE_COUNT } from '../../../config/semantic-conventions.constants.js';
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

/**
 * The prototypes of clients that are overridden in this process, by whichever copy of this package.
 */
const state = processWide('microservice-clients', () => ({
  prototypes: new WeakSet<object>(),
  undo: [] as Undo[],
}));

/** What is known of each client that was met. */
const known = new WeakMap<object, CallDescriptions>();

/** Takes everything off again that `instrumentClient` has put on prototypes. */
export function releaseClients(): void {
  undoAll(state.undo)();
  state.prototypes = new WeakSet();
}

/** The methods that distinguish NestJS's `ClientProxy` from other classes with a `send`. */
const CLIENT_PROXY_METHODS = ['send', 'emit', 'createObserver', 'connect$'];

/**
 * The prototype of NestJS's `ClientProxy` below a client or below the prototype of a class of
 * clients, if it is one.
 */
function clientProxyBelow(start: object): object | undefined {
  for (
    let level: object | null = start;
    level !== null;
    level = Object.getPrototypeOf(level) as object | null
  ) {
    const prototype = level;
    if (CLIENT_PROXY_METHODS.every((name) => Object.hasOwn(prototype, name))) return prototype;
  }
  return undefined;
}

/**
 * Records what every client of that `ClientProxy` sends, those included that were made by hand or
 * will be. Once per prototype and process.
 */
export function instrumentClientProxy(clientProxy: object): void {
  if (state.prototypes.has(clientProxy)) return;
  state.prototypes.add(clientProxy);
  state.undo.push(
    patch(clientProxy, 'send', (original) => recordingSend(clientProxy, original)),
    patch(clientProxy, 'emit', (original) => recordingEmit(clientProxy, original)),
  );
}

/**
 * Records the batches of every Kafka client: what its own class has is not known by `ClientProxy`,
 * and may be called first.
 */
export function instrumentKafkaClients(prototype: object, clientProxy: object): void {
  instrumentTransport(prototype, clientProxy, 'kafka');
}

/**
 * Meets one client: what is known of it and, the first time, all that makes it carry the context.
 * It must be an instance: the address it sends to is in its fields.
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

/** On the prototypes below a client, once for all that share them. */
function instrumentTransport(client: object, clientProxy: object, transport: Transport): void {
  const lowest = lowestOf(client, clientProxy);
  if (lowest === undefined || state.prototypes.has(lowest)) return;
  state.prototypes.add(lowest);
  const ownerOf = (name: string): object | undefined => ownerBelow(client, clientProxy, name);
  state.undo.push(...carryContext(transport, ownerOf));
  const connecting = ownerOf('connect');
  if (connecting !== undefined) state.undo.push(patch(connecting, 'connect', outsideOfTraces));
  const batching = transport === 'kafka' ? ownerOf('emitBatch') : undefined;
  if (batching !== undefined) state.undo.push(patch(batching, 'emitBatch', recordingEmitBatch));
  const creating = transport === 'grpc' ? ownerOf('createClientByServiceName') : undefined;
  if (creating !== undefined)
    state.undo.push(patch(creating, 'createClientByServiceName', instrumentingCreated));
}

/**
 * The prototype right above `ClientProxy`: NestJS's class of one transport, or the application's
 * own.
 */
function lowestOf(client: object, clientProxy: object): object | undefined {
  let lowest: object | undefined;
  for (let level = client; level !== clientProxy; level = Object.getPrototypeOf(level) as object)
    lowest = level;
  return lowest === client && !Object.hasOwn(client, 'constructor') ? undefined : lowest;
}

/**
 * The owner of a method nearest to `ClientProxy`: subclasses call it, and would be met a second
 * time.
 */
function ownerBelow(client: object, clientProxy: object, name: string): object | undefined {
  let owner: object | undefined;
  for (let level = client; level !== clientProxy; level = Object.getPrototypeOf(level) as object) {
    if (Object.hasOwn(level, name)) owner = level;
  }
  return owner;
}

function records(pattern: unknown, data: unknown): boolean {
  // NestJS refuses these; the refusal is the caller's mistake, and nothing is sent.
  if (pattern === undefined || pattern === null || data === undefined || data === null) return false;
  return isMicroservicesEnabled() && !isTracingSuppressed(context.active());
}

function namePattern(client: ClientProxyLike, pattern: unknown): string {
  return String(client.normalizePattern?.(pattern) ?? pattern);
}

function recordingSend(clientProxy: object, original: AnyMethod): AnyMethod {
  return function (pattern, data, ...rest) {
    const source = original.call(this, pattern, data, ...rest) as ReturnType<ClientProxyLike['send']>;
    if (!records(pattern, data)) return source;
    const client = this as ClientProxyLike;
    return recordRequest(instrumentClient(client, clientProxy).request(namePattern(client, pattern)), source);
  };
}

function recordingEmit(clientProxy: object, original: AnyMethod): AnyMethod {
  return function (pattern, data, ...rest) {
    if (!records(pattern, data)) return original.call(this, pattern, data, ...rest);
    const client = this as ClientProxyLike;
    const emit = () => original.call(this, pattern, data, ...rest) as ReturnType<ClientProxyLike['emit']>;
    return recordEvent(instrumentClient(client, clientProxy).event(namePattern(client, pattern)), emit);
  };
}

const recordingEmitBatch = (original: AnyMethod): AnyMethod =>
  function (pattern, data, ...rest) {
    const client = this as ClientProxyLike;
    const clientProxy = records(pattern, data) ? clientProxyBelow(client) : undefined;
    if (clientProxy === undefined) return original.call(this, pattern, data, ...rest);
    const emit = () => original.call(this, pattern, data, ...rest) as ReturnType<ClientProxyLike['emit']>;
    const { messages } = data as { messages?: { length?: number } };
    const count = messages?.length;
    const attributes = count === undefined ? undefined : { [ATTR_MESSAGING_BATCH_MESSAGE_COUNT]: count };
    return recordEvent(
      instrumentClient(client, clientProxy).event(namePattern(client, pattern)),
      emit,
      attributes,
    );
  };

const instrumentingCreated = (original: AnyMethod): AnyMethod =>
  function (...args) {
    const service = original.apply(this, args);
    if (typeof service === 'object' && service !== null)
      state.undo.push(...instrumentGrpcService(service, this as object));
    return service;
  };

/**
 * The first sender opens the connection that all share: keep the connection out of that sender's
 * trace.
 */
const outsideOfTraces = (original: AnyMethod): AnyMethod =>
  function (...args) {
    return context.with(ROOT_CONTEXT, () => original.apply(this, args));
  };

/**
 * Instruments the clients of an application: what `ClientsModule` provides, classes of clients that
 * are providers, and clients that a provider or controller holds in a property (`@Client()`,
 * `ClientProxyFactory.create()`).
 */
export function instrumentClients(modules: ContainerModules): void {
  for (const { prototype } of classesIn(modules)) findClientProxy(prototype);
  for (const instance of instancesIn(modules)) {
    meet(instance);
    meetHeldBy(instance);
  }
}

/** Only data properties: an accessor may do anything when it is read. */
function meetHeldBy(instance: object): void {
  if (ArrayBuffer.isView(instance)) return;
  try {
    for (const name of Object.getOwnPropertyNames(instance))
      meet(Object.getOwnPropertyDescriptor(instance, name)?.value);
  } catch {
    // A proxy that refuses to be read holds no client that could be found.
  }
}

function meet(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  let prototype: unknown;
  try {
    prototype = Object.getPrototypeOf(value);
  } catch {
    // As above.
    return;
  }
  const clientProxy = findClientProxy(prototype);
  if (clientProxy !== undefined) instrumentClient(value as ClientProxyLike, clientProxy);
}

/**
 * The `ClientProxy` below each prototype, false where there is none: many instances are asked for,
 * few prototypes.
 */
const clientProxies = new WeakMap<object, object | false>();

function findClientProxy(prototype: unknown): object | undefined {
  if (typeof prototype !== 'object' || prototype === null) return undefined;
  let clientProxy = clientProxies.get(prototype);
  if (clientProxy === undefined) {
    clientProxy = findBelow(prototype) ?? false;
    clientProxies.set(prototype, clientProxy);
  }
  if (clientProxy === false) return undefined;
  instrumentClientProxy(clientProxy);
  return clientProxy;
}

function findBelow(prototype: object): object | undefined {
  try {
    return clientProxyBelow(prototype);
  } catch {
    // A proxy of the application's that refuses to be read: as above.
    return undefined;
  }
}

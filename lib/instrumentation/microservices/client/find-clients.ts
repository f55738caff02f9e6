import { classesIn, type ContainerModules, instancesIn } from '../../container/container-classes.js';
import { type ClientProxyLike } from './client-proxy.interface.js';
import { clientProxyBelow, instrumentClientProxy, meetClient } from './instrument-clients.js';

/**
 * Instruments the clients of an application: what `ClientsModule` provides, classes of clients that are providers, and
 * clients that a provider or controller holds in a property (`@Client()`, `ClientProxyFactory.create()`).
 */
export function meetClients(modules: ContainerModules): void {
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
  if (clientProxy !== undefined) meetClient(value as ClientProxyLike, clientProxy);
}

/** The `ClientProxy` below each prototype, false where there is none: many instances are asked for, few prototypes. */
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

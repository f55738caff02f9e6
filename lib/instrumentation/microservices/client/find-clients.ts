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
    for (const value of ownValues(instance)) meet(value);
  }
}

/** Values of data properties: an accessor may do anything when it is asked. */
function ownValues(instance: object): unknown[] {
  try {
    return Object.values(Object.getOwnPropertyDescriptors(instance)).map(({ value }): unknown => value);
  } catch {
    // A proxy that refuses to be looked at holds no client that could be found.
    return [];
  }
}

function meet(value: unknown): void {
  const clientProxy = findClientProxy(value);
  if (clientProxy !== undefined) meetClient(value as ClientProxyLike, clientProxy);
}

function findClientProxy(value: unknown): object | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  try {
    const clientProxy = clientProxyBelow(value);
    if (clientProxy !== undefined) instrumentClientProxy(clientProxy);
    return clientProxy;
  } catch {
    // A proxy of the application's that refuses to be looked at: as above.
    return undefined;
  }
}

import { classesIn, type ContainerModules, instancesIn } from '../../container/container-classes.js';
import { clientProxyBelow, instrumentClientProxy, instrumentTransport } from './instrument-clients.js';

/**
 * Instruments the clients of an application: what `ClientsModule` provides, classes of clients that are providers, and
 * clients that a provider or controller holds in a property (`@Client()`, `ClientProxyFactory.create()`).
 */
export function meetClients(modules: ContainerModules): void {
  for (const { prototype } of classesIn(modules)) meetClient(prototype);
  for (const instance of instancesIn(modules)) {
    meetClient(instance);
    for (const value of ownValues(instance)) meetClient(value);
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

function meetClient(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  try {
    const clientProxy = clientProxyBelow(value);
    if (clientProxy === undefined) return;
    instrumentClientProxy(clientProxy);
    if (value !== clientProxy) instrumentTransport(value, clientProxy);
  } catch {
    // A proxy of the application's that refuses: as above.
  }
}

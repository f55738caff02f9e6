import { type Channel, channel } from 'node:diagnostics_channel';

import { warnOnce } from '../../errors/warnings.js';

type Listener = (message: unknown) => void;
type OwnedChannel = Channel & { [SUBSCRIPTION]?: () => void };

const SUBSCRIPTION = Symbol.for('nestjs-telemetry.subscription');

/**
 * Listens to diagnostics channels until the undo that is returned is called. What a listener throws is said once and goes no
 * further: Node would end the process over it.
 *
 * A subscription that another set of globals left behind is ended first. Channels belong to the process, but a test runner
 * gives each file globals of its own: an application that one file never closed would go on recording the calls of the next.
 */
export function subscribeChannels(listeners: Readonly<Record<string, Listener>>): () => void {
  const undo = Object.entries(listeners).map(([name, listen]) => subscribeChannel(name, listen));
  return () => {
    for (const stop of undo) stop();
  };
}

/** The listener with what it throws caught and said once. */
export function guardListener(name: string, listen: Listener): Listener {
  return (message) => {
    try {
      listen(message);
    } catch (error) {
      warnOnce(`channel:${name}`, `Telemetry could not record what ${name} told: ${String(error)}`);
    }
  };
}

function subscribeChannel(name: string, listen: Listener): () => void {
  const guarded = guardListener(name, listen);
  const subscribed = channel(name) as OwnedChannel;
  subscribed[SUBSCRIPTION]?.();
  subscribed.subscribe(guarded);
  const undo = (): void => {
    subscribed.unsubscribe(guarded);
    if (subscribed[SUBSCRIPTION] === undo) Reflect.deleteProperty(subscribed, SUBSCRIPTION);
  };
  subscribed[SUBSCRIPTION] = undo;
  return undo;
}

import { type Channel, channel } from 'node:diagnostics_channel';

import { type Context, context, type ContextManagementToken, trace } from '@opentelemetry/api';

import { guardListener } from '../../errors/guard-listener.js';
import { undoAll } from '../../process/undo-all.js';

type Listener<M = unknown> = (message: M) => void;
type OwnedChannel = Channel & { [SUBSCRIPTION]?: () => void };

const SUBSCRIPTION = Symbol.for('nestjs-telemetry.subscription');

/**
 * Listens to diagnostics channels until the undo that is returned is called. What a listener throws
 * is said once and goes no further: Node would end the process over it.
 *
 * A subscription that another set of globals left behind is ended first. Channels belong to the
 * process, but a test runner gives each file its own globals: an application that one file never
 * closed would go on recording the calls of the next.
 *
 * @param listeners by the name of the channel, whose messages are of the type `M`
 */
export function subscribeChannels<M>(listeners: Readonly<Record<string, Listener<M>>>): () => void {
  return undoAll(
    Object.entries(listeners).map(([name, listen]) => subscribeChannel(name, listen as Listener)),
  );
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

/** What is kept of a call of a tracing channel while it runs. */
interface TracedCall {
  /** The function that makes the call has returned; what it waits for goes on. */
  returned?(): void;
  /** It has ended: called once, with the failure if there was one. */
  end(error: unknown): void;
}

interface TracedCallOptions<C extends TracedCall> {
  /** Ends a call with its failure. Default: its own `end()`. */
  readonly end?: (call: C, error: unknown) => void;
  /**
   * Whether a callback is run in the context of the call, where that was inside a span: drivers
   * call back from their socket, or from where a connection was released. Default false.
   */
  readonly restoresCaller?: boolean;
}

interface TracedMessage {
  readonly error?: unknown;
}

interface RunningCall<C extends TracedCall> {
  call: C | undefined;
  readonly caller: Context | undefined;
  token?: ContextManagementToken;
}

/**
 * Follows the calls that a library announces on a tracing channel, each by its one message; returns
 * the undo.
 *
 * @param begin called in the context of the caller; undefined leaves a call alone
 */
export function followTracedCalls<M, C extends TracedCall>(
  name: string,
  begin: (message: M) => C | undefined,
  { end = endCall, restoresCaller = false }: TracedCallOptions<C> = {},
): () => void {
  const running = new WeakMap<object, RunningCall<C>>();

  const endOnce = (message: object): void => {
    const entry = running.get(message);
    if (entry?.call === undefined) return;
    const { call } = entry;
    entry.call = undefined;
    end(call, (message as TracedMessage).error);
  };
  return subscribeChannels<object>({
    [`tracing:${name}:start`]: (message) => {
      const call = begin(message as M);
      const caller = restoresCaller ? callerInSpan() : undefined;
      if (call !== undefined || caller !== undefined) running.set(message, { call, caller });
    },
    [`tracing:${name}:end`]: (message) => {
      running.get(message)?.call?.returned?.();
      // Thrown synchronously: no other message of this call follows.
      if ((message as TracedMessage).error !== undefined) endOnce(message);
    },
    [`tracing:${name}:asyncStart`]: (message) => {
      endOnce(message);
      const entry = running.get(message);
      if (entry?.caller !== undefined) entry.token = context.attach(entry.caller);
    },
    [`tracing:${name}:asyncEnd`]: (message) => {
      running.get(message)?.token?.dispose();
      running.delete(message);
    },
  });
}

function endCall(call: TracedCall, error: unknown): void {
  call.end(error);
}

function callerInSpan(): Context | undefined {
  const active = context.active();
  return trace.getSpan(active) === undefined ? undefined : active;
}

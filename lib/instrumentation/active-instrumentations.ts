import { processWide } from '../process/process-wide.js';

/** Turns one instrumentation on and gives what turns it off again. */
export type StartInstrumentation = () => () => void;

/**
 * Which automatic instrumentations are active in this process, by name. Starting one that is active
 * already adds a user to it instead of a second subscription, so that no call ever gets two spans;
 * the last undo turns it off.
 */
interface ActiveInstrumentation {
  users: number;
  readonly stop: () => void;
}

const active = processWide('instrumentations', () => new Map<string, ActiveInstrumentation>());

/** Names of what is active now, in the order in which it was turned on. */
export function activeInstrumentations(): readonly string[] {
  return [...active.keys()];
}

/**
 * Turns the named instrumentation on, once per process; returns the undo, which may be called any
 * number of times.
 */
export function activateInstrumentation(name: string, start: StartInstrumentation): () => void {
  const entry = active.get(name) ?? { users: 0, stop: start() };
  active.set(name, entry);
  entry.users += 1;
  let released = false;
  return () => {
    if (released) return;
    released = true;
    entry.users -= 1;
    if (entry.users > 0) return;
    entry.stop();
    if (active.get(name) === entry) active.delete(name);
  };
}

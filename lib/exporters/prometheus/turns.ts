import { setImmediate } from 'node:timers';

/** Work in steps: at each `yield` other work may run. */
export type Steps<T> = Generator<undefined, T, undefined>;

/** How long the steps of one turn block the event loop, in milliseconds. */
const TURN_MS = 2;

/** Takes the steps in turns of the event loop, beginning with the next one. */
export async function takeInTurns<T>(steps: Steps<T>): Promise<T> {
  for (;;) {
    await new Promise((resolve) => setImmediate(resolve));
    const until = performance.now() + TURN_MS;
    do {
      const step = steps.next();
      if (step.done === true) return step.value;
    } while (performance.now() < until);
  }
}

import { setImmediate } from 'node:timers';

/** Work in steps: at each `yield` other work may run. */
export type Steps<T> = Generator<undefined, T, undefined>;

/** How long the steps of one turn block the event loop, in milliseconds. */
const TURN_MS = 1;
/**
 * Characters that are written in one turn. V8 adds texts up in no time, and copies them when they are read: with the copying and the
 * sending, these take a millisecond, too.
 */
const TURN_LENGTH = 65_536;

/** Takes the steps in turns of the event loop, beginning with the next one. */
export async function takeInTurns<T>(steps: Steps<T>): Promise<T> {
  for (;;) {
    const until = await nextTurn();
    do {
      const step = steps.next();
      if (step.done === true) return step.value;
    } while (performance.now() < until);
  }
}

/** Gives what is written in each turn of the event loop, when what was written before is taken. */
export async function* writeInTurns(parts: Iterator<string>): AsyncGenerator<string, void, undefined> {
  for (let isDone = false; !isDone;) {
    const until = await nextTurn();
    let text = '';
    do {
      const part = parts.next();
      if (part.done === true) isDone = true;
      else text += part.value;
    } while (!isDone && text.length < TURN_LENGTH && performance.now() < until);
    yield text;
  }
}

/** Waits for the next turn; gives when it should end, on the clock of `performance.now()`. */
async function nextTurn(): Promise<number> {
  await new Promise((resolve) => setImmediate(resolve));
  return performance.now() + TURN_MS;
}

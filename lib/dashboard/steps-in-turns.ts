import { type Steps } from './steps.js';

/** Runs the steps, each in a round of the event loop of its own. */
export async function takeStepsInTurns<T>(steps: Steps<T>): Promise<T> {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

import { setTimeout as pause } from 'node:timers/promises';

/** Asks again and again, through failures too, until the answer is yes; throws, naming `what`, after 90 s. */
export async function waitFor(what, ask) {
  const deadline = performance.now() + 90_000;
  let last;
  while (performance.now() < deadline) {
    try {
      if (await ask()) return;
      last = undefined;
    } catch (error) {
      // Not there yet; told below when it never comes.
      last = error;
    }
    await pause(100);
  }
  throw new Error(`${what} did not happen within 90 s`, { cause: last });
}

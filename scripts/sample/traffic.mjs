// A little traffic, so that there is something to see: mostly good requests, and one of each way to fail.
import { setTimeout as pause } from 'node:timers/promises';

const REQUESTS = [
  { text: 'hello' },
  { text: 'how are you?', userId: 'grace' },
  {},
  { text: 'hello' },
  { text: 'take your time', userId: 'linus', simulate: { llm: 'slow' } },
  { text: 'this job will fail', simulate: { job: 'fail' } },
  { text: 'nobody knows me', userId: 'nobody' },
  { text: 'the model is down', userId: 'grace', simulate: { llm: 'fail' } },
  { text: 'and again', userId: 'linus' },
];
const BETWEEN_MS = 250;
const BETWEEN_ROUNDS_MS = 10_000;

/**
 * Sends each request once, or round after round when `forever`, until `signal` aborts; `afterRound` is called with their number.
 * Returns the trace id of a good answer and how often each status came back.
 */
export async function sendTraffic({ gateway, signal, forever = false, afterRound = () => undefined }) {
  const statuses = {};
  let traceId;
  let rounds = 0;
  try {
    do {
      for (const body of REQUESTS) {
        const response = await fetch(`${gateway}/process`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
          signal,
        });
        statuses[response.status] = (statuses[response.status] ?? 0) + 1;
        const answer = await response.json();
        if (response.ok) traceId ??= answer.traceId;
        await pause(BETWEEN_MS, undefined, { signal });
      }
      await afterRound((rounds += 1));
      if (forever) await pause(BETWEEN_ROUNDS_MS, undefined, { signal });
    } while (forever);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return { traceId, statuses };
}

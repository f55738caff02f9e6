// What can go wrong in the sample system on purpose, and the requests that show it.
import { setTimeout as pause } from 'node:timers/promises';

/** `users` send requests at the same time, each with `pauseMs` between two; the fault begins after `usualMs`. */
export const FAULTS = {
  'slow-llm': {
    what: 'the language model takes 1.5 s for each answer',
    usualMs: 20_000,
    users: 4,
    pauseMs: 300,
  },
  'db-pool': {
    what: 'the orchestrator keeps a connection of its small pool while it waits for other services',
    usualMs: 20_000,
    users: 24,
    pauseMs: 100,
  },
  'n-plus-one': {
    what: 'a list asks the database once for each row',
    usualMs: 20_000,
    users: 2,
    pauseMs: 300,
    lists: true,
  },
  memory: { what: 'the orchestrator keeps what it should forget', usualMs: 20_000, users: 4, pauseMs: 50 },
  deploy: {
    what: 'version 0.2.0 of the worker is deployed, which fails on questions',
    usualMs: 60_000,
    users: 2,
    pauseMs: 300,
  },
};

const TEXTS = ['hello', 'how are you?', 'and again', 'what time is it?'];

/** Sends the requests of a fault until `signal` aborts. */
export async function sendFaultTraffic({ fault, urls, signal }) {
  const { users } = FAULTS[fault];
  await Promise.all(Array.from({ length: users }, () => sendAsUser(FAULTS[fault], urls, signal)));
}

async function sendAsUser({ pauseMs, lists = false }, { gateway, worker }, signal) {
  for (let sent = 0; !signal.aborted; sent += 1) {
    try {
      await send(`${gateway}/process`, signal, { text: TEXTS[sent % TEXTS.length] });
      if (lists) await send(`${worker}/jobs?userId=ada`, signal);
      await pause(pauseMs, undefined, { signal });
    } catch {
      // The end of the traffic, or a service that is being deployed: the next request shows which.
      if (!signal.aborted) await pause(pauseMs);
    }
  }
}

async function send(url, signal, body) {
  const response = await fetch(url, {
    signal,
    ...(body !== undefined && {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }),
  });
  await response.arrayBuffer();
}

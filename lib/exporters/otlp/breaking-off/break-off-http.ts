import { givenUp } from './given-up.js';
import { type RetryingTransport, type TransportResponse } from './transport.interface.js';

/** Waits for the next attempt where it can be told to stop waiting; gives what tells it to. */
export function makeHttpBreakable(transport: RetryingTransport): () => void {
  let broken = false;
  const isBroken = (): boolean => broken;
  let lastError: Error | undefined;
  const waiting = new Map<NodeJS.Timeout, (response: TransportResponse) => void>();
  const inner = transport._transport;
  const send = inner.send.bind(inner);
  inner.send = async (...request) => {
    if (isBroken()) return givenUp();
    const response = await send(...request);
    lastError = isBroken() ? undefined : response.error;
    return response;
  };
  transport.retry = (data, timeoutMillis, inMillis) =>
    new Promise((resolve, reject) => {
      if (isBroken()) {
        resolve(givenUp(lastError));
        return;
      }
      const timer = setTimeout(() => {
        waiting.delete(timer);
        inner.send(data, timeoutMillis).then(resolve, reject);
      }, inMillis);
      waiting.set(timer, resolve);
    });
  return () => {
    broken = true;
    for (const [timer, resolve] of waiting) {
      clearTimeout(timer);
      resolve(givenUp(lastError));
    }
    waiting.clear();
    // Fails the request that is under way.
    inner._utils?.agent?.destroy?.();
  };
}

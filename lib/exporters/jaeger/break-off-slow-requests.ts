import { type JaegerHttpSender } from './jaeger-sender.interface.js';

/** Gives every flush of an HTTP sender a deadline; jaeger-client asks for a timeout and then ignores it. */
export function breakOffSlowRequests(sender: JaegerHttpSender, timeoutMs: number): void {
  const flush = sender.flush.bind(sender);
  sender.flush = (callback) => {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      // Fails the request that is under way; the agent opens new connections afterwards.
      sender._httpAgent.destroy();
    }, timeoutMs);
    flush((count, error) => {
      clearTimeout(timer);
      callback(count, late && error !== undefined ? `no answer within ${timeoutMs} ms` : error);
    });
  };
}

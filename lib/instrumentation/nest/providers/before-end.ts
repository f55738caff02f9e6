import { type Span } from '@opentelemetry/api';

import { warnOnce } from '../../../errors/warnings.js';

const listeners = new WeakMap<Span, (() => void)[]>();

/**
 * Calls `tell` right before the span ends, while it can still have children. The API has no such event, and a span
 * processor would be asked for every span there is; this touches only the one that is waited for.
 */
export function beforeEnd(span: Span, tell: () => void): void {
  const waiting = listeners.get(span);
  if (waiting !== undefined) {
    waiting.push(tell);
    return;
  }
  const list = [tell];
  listeners.set(span, list);
  const before = Object.getOwnPropertyDescriptor(span, 'end');
  const end = span.end.bind(span);
  span.end = (endTime) => {
    if (before === undefined) Reflect.deleteProperty(span, 'end');
    else Object.defineProperty(span, 'end', before);
    listeners.delete(span);
    for (const each of list) attempt(each);
    end(endTime);
  };
}

function attempt(tell: () => void): void {
  try {
    tell();
  } catch (error) {
    warnOnce('nest:repeated-calls', `Telemetry could not record repeated calls: ${String(error)}`);
  }
}

import { type Span } from '@opentelemetry/api';

import { warnOnce } from '../../../errors/warnings.js';
import { createSpanNotes } from '../span-notes.js';

const listeners = createSpanNotes<(() => void)[]>('before-end');

/**
 * Calls `tell` right before the span ends, while it can still have children. The API has no such event, and a span
 * processor would be asked for every span there is; this touches only the one that is waited for.
 */
export function beforeEnd(span: Span, tell: () => void): void {
  const list = listeners.getOrMake(span, () => []);
  list.push(tell);
  if (list.length > 1) return;
  const before = Object.getOwnPropertyDescriptor(span, 'end');
  const end = span.end.bind(span);
  span.end = (endTime) => {
    if (before === undefined) Reflect.deleteProperty(span, 'end');
    else Object.defineProperty(span, 'end', before);
    for (const each of list.splice(0)) attempt(each);
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

import { createContextKey, trace } from '@opentelemetry/api';

import { LinkedContext } from '../../lib/runtime/linked-context.js';

describe('LinkedContext', () => {
  const [a, b] = [createContextKey('a'), createContextKey('b')];

  it('gives what was set last, and undefined for what was not', () => {
    const context = LinkedContext.ROOT.setValue(a, 1).setValue(b, 2).setValue(a, 3);
    expect([context.getValue(a), context.getValue(b), context.getValue(createContextKey('c'))]).toEqual([
      3,
      2,
      undefined,
    ]);
  });

  it('leaves the context it came from as it was', () => {
    const first = LinkedContext.ROOT.setValue(a, 1);
    first.setValue(a, 2);
    first.deleteValue(a);
    expect(first.getValue(a)).toBe(1);
    expect(LinkedContext.ROOT.getValue(a)).toBeUndefined();
  });

  it('deletes a value for good, not only its last setting', () => {
    const context = LinkedContext.ROOT.setValue(a, 1).setValue(b, 2).setValue(a, 3).deleteValue(a);
    expect([context.getValue(a), context.getValue(b)]).toEqual([undefined, 2]);
  });

  it('keeps a value set to undefined apart from none only by what the API can see', () => {
    expect(LinkedContext.ROOT.setValue(a, 1).setValue(a, undefined).getValue(a)).toBeUndefined();
  });

  it('keeps every value through a long chain of settings', () => {
    const keys = Array.from({ length: 40 }, (_, index) => createContextKey(`key ${String(index)}`));
    let context = LinkedContext.ROOT.setValue(a, 'kept');
    for (let round = 0; round < 3; round += 1) {
      for (const [index, key] of keys.entries())
        context = context.setValue(key, `${String(round)}.${String(index)}`);
    }
    expect(context.getValue(a)).toBe('kept');
    expect(keys.map((key) => context.getValue(key))).toEqual(keys.map((_, index) => `2.${String(index)}`));
  });

  it('serves the API: a span set in it is found, and removed', () => {
    const span = trace.wrapSpanContext({ traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 });
    const context = trace.setSpan(LinkedContext.ROOT, span);
    expect(trace.getSpan(context)).toBe(span);
    expect(trace.getSpan(trace.deleteSpan(context))).toBeUndefined();
  });
});

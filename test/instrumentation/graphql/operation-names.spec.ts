import { boundOperationName } from '../../../lib/instrumentation/graphql/operation.js';

describe('boundOperationName', () => {
  it('keeps 200 names apart, from any client, and one for operations without a name', () => {
    const names = Array.from({ length: 500 }, (_, index) => boundOperationName(`Operation${index}`));
    expect(new Set(names).size).toBe(201);
    expect(names[0]).toBe('Operation0');
    expect(names.at(-1)).toBe('_OTHER');
    expect(boundOperationName('Operation7')).toBe('Operation7');
    expect(boundOperationName(undefined)).toBe('<anonymous>');
    expect(boundOperationName('x'.repeat(129))).toBe('_OTHER');
  });
});

import { getOperationAST, parse } from 'graphql';

import { boundOperationName, findOperation } from '../../../lib/instrumentation/graphql/operation.js';

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

describe('findOperation', () => {
  const document = parse('fragment F on Query { a } query A { a } mutation B { b }');

  it.each(['A', 'B', 'C', ''])('finds what graphql-js finds by the name %p', (name) => {
    expect(findOperation(document, name)).toBe(getOperationAST(document, name) ?? undefined);
  });

  it('finds the first operation without a name', () => {
    expect(findOperation(document, undefined)).toBe(document.definitions[1]);
  });
});

import { HttpException, InternalServerErrorException } from '@nestjs/common';
import { getOperationAST, GraphQLError, parse } from 'graphql';

import { isOperationError, operationErrorType } from '../../../lib/instrumentation/graphql/graphql-errors.js';
import {
  boundOperationName,
  findOperation,
  sanitizeDocument,
} from '../../../lib/instrumentation/graphql/operation.js';
import { processCpuMs } from '../../support/cpu-time.js';

/** As graphql-js reports what a resolver threw. */
const thrownBy = (originalError: Error): GraphQLError =>
  new GraphQLError(originalError.message, { path: ['order'], originalError });

describe('isOperationError', () => {
  it.each([
    ['a bug of a resolver', thrownBy(new TypeError('a bug'))],
    ['an HttpException from 500 on', thrownBy(new InternalServerErrorException())],
    ['a GraphQLError that a resolver throws without a code', new GraphQLError('no', { path: ['order'] })],
    ['an error as formatted, of a field', { message: 'no', path: ['order'] }],
    [
      'an error that says it is internal',
      new GraphQLError('no', { extensions: { code: 'INTERNAL_SERVER_ERROR' } }),
    ],
    [
      'an error with the status of another server',
      thrownBy(Object.assign(new Error('no'), { statusCode: 404 })),
    ],
  ])('counts %s', (_, error) => {
    expect(isOperationError(error)).toBe(true);
  });

  it.each([
    ['an HttpException below 500', thrownBy(new HttpException('no', 404))],
    ['what stops a request before it is executed', new GraphQLError('Syntax Error')],
    ['the same as formatted', { message: 'Syntax Error', locations: [] }],
    ['bad input, by its code', thrownBy(new GraphQLError('no', { extensions: { code: 'BAD_USER_INPUT' } }))],
    [
      'a status below 500 in the extensions',
      new GraphQLError('no', { path: ['a'], extensions: { http: { status: 409 } } }),
    ],
    [
      "Mercurius's ErrorWithProps",
      thrownBy(Object.assign(new Error('no'), { extensions: {}, statusCode: 200 })),
    ],
    [
      'what Mercurius refuses',
      Object.assign(new Error('no'), { code: 'MER_ERR_GQL_VALIDATION', statusCode: 400 }),
    ],
  ])('does not count %s', (_, error) => {
    expect(isOperationError(error)).toBe(false);
  });

  it('names the class of what was thrown, or the code', () => {
    expect(operationErrorType(thrownBy(new RangeError('no')))).toBe('RangeError');
    expect(operationErrorType({ message: 'no', extensions: { code: 'ODD' } })).toBe('ODD');
    expect(operationErrorType({ message: 'no' })).toBe('GraphQLError');
  });
});

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

describe('sanitizeDocument', () => {
  it.each([
    ['strings', '{ user(name: "Ada \\"L\\" #1") { id } }', '{ user(name: *) { id } }'],
    ['block strings', '{ note(text: """he said "no"\n# really""") }', '{ note(text: *) }'],
    [
      'numbers',
      '{ near(lat: -52.5, lng: 1e3, limit: 10) { id } }',
      '{ near(lat: *, lng: *, limit: *) { id } }',
    ],
    ['comments', '{ a # of customer 42\n  b }', '{ a b }'],
    [
      'literals within lists and objects',
      '{ f(in: [1, "x"], o: { k: "v" }) }',
      '{ f(in: [*, *], o: { k: * }) }',
    ],
  ])('takes out %s', (_, source, sanitized) => {
    expect(sanitizeDocument(source)).toBe(sanitized);
  });

  it('leaves names, variables, enums and fragments alone', () => {
    const source = 'query Get2($id1: ID!, $v_2: Int) { line1: order(id: $id1, by: DATE_2) { ...Part3 } }';
    expect(sanitizeDocument(source)).toBe(source);
  });

  it('cuts a long document without letting half a string through', () => {
    const secret = 'secret '.repeat(1_000);
    const sanitized = sanitizeDocument(`{ ${'field '.repeat(300)} note(text: "${secret}") }`);
    expect(sanitized).not.toContain('secret');
    expect(sanitizeDocument(`{ note(text: """${secret}""") }`)).not.toContain('secret');
    expect(sanitizeDocument(`{ ${'field '.repeat(2_000)} }`)).toHaveLength(2_048);
  });

  it('is quick with a document that is made to be slow', () => {
    const before = processCpuMs();
    for (const part of ['"', '"""', '#', '"\\', '1', ' ']) sanitizeDocument(`{ ${part.repeat(100_000)}`);
    expect(processCpuMs() - before).toBeLessThan(500);
  });
});

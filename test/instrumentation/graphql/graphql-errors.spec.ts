import { HttpException, InternalServerErrorException } from '@nestjs/common';
import { GraphQLError } from 'graphql';

import { isOperationError, operationErrorType } from '../../../lib/instrumentation/graphql/graphql-errors.js';

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

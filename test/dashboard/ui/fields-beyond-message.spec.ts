import { type JsonAttributes } from '../../../lib/dashboard/reader/answers/answer-parts.interface.js';
import { fieldsBeyondMessage } from '../../../lib/dashboard/ui/parts/fields-beyond-message.js';

const keysOf = (
  message: string,
  attributes: JsonAttributes,
  elsewhere?: readonly string[],
): readonly string[] => fieldsBeyondMessage({ message, attributes }, elsewhere).map(([key]) => key);

describe('the fields behind the message of a log line', () => {
  it('are not those that a request line says already', () => {
    const fields = {
      method: 'GET',
      route: '/orders/:id',
      handler: 'OrdersController.find',
      path: '/orders/7',
      status: 200,
      duration_ms: 12.34,
      user_id: 'grace',
    };
    expect(keysOf('GET /orders/:id 200 12ms', fields)).toEqual(['handler', 'path', 'user_id']);
  });

  it('are shown where the message only happens to contain the text of their value', () => {
    expect(keysOf('Processed 10 orders', { attempt: 1, count: 10 })).toEqual(['attempt']);
    expect(keysOf('Retrying', { in: 'Retry', why: 'Retrying' })).toEqual(['in']);
    expect(keysOf('took 100ms', { exact: 10, rounded: 99.7 })).toEqual(['exact']);
  });

  it('leave out the stack, empty texts, and what has a column', () => {
    const fields = { 'exception.stacktrace': 'Error: …', empty: '', shard: 3, tenant: 'a' };
    expect(keysOf('Tick', fields, ['shard'])).toEqual(['tenant']);
  });

  it('are texts of at most 80 characters', () => {
    const fields = fieldsBeyondMessage({
      message: 'Done',
      attributes: { long: 'x'.repeat(500), list: [1, 2], nothing: null },
    });
    expect(fields).toEqual([
      ['long', 'x'.repeat(80)],
      ['list', '[1,2]'],
      ['nothing', 'null'],
    ]);
  });
});

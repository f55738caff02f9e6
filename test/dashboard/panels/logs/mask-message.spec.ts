import { maskMessage } from '../../../../lib/dashboard/panels/logs/mask-message.js';
import { wordsOfPattern } from '../../../../lib/dashboard/panels/logs/view/words-of-pattern.js';

describe('the pattern of a log message', () => {
  it.each([
    ['GET /orders/17 took 12ms', 'GET /orders/# took #ms'],
    ['took 1.5 s of 2,000', 'took # s of #'],
    ['Order 0195c2d6-7a10-7bd1-9b0e-1f2a3b4c5d6e paid', 'Order # paid'],
    ['trace 4bf92f3577b34da6a3ce929d0e0e4736', 'trace #'],
    ['SKU-1834 and user_42', 'SKU-# and user_#'],
    [`column "tenant" doesn't exist in 'orders'`, `column "…" doesn't exist in '…'`],
    ['calling https://api.example/v1/users?id=7 failed', 'calling … failed'],
    ['started', 'started'],
    ['', ''],
  ])('of %j is %j', (message, pattern) => {
    expect(maskMessage(message)).toBe(pattern);
  });

  it('is the same for messages that differ only after 300 characters', () => {
    expect(maskMessage(`${'a '.repeat(150)}x`)).toBe(maskMessage(`${'a '.repeat(150)}y`));
  });

  it('is searched for by the words that all its lines have', () => {
    expect(wordsOfPattern('GET /orders/# took #ms for "…"')).toBe('GET took for');
    expect(wordsOfPattern('#')).toBe('');
  });
});

import { forwardedAddresses, isLoopback } from '../../../lib/dashboard/access/access.js';

describe('isLoopback()', () => {
  it.each(['127.0.0.1', '127.8.9.10', '::1', '::ffff:127.0.0.1', '::FFFF:127.0.0.1'])(
    'holds for %s',
    (address) => {
      expect(isLoopback(address)).toBe(true);
    },
  );

  it.each([
    undefined,
    '',
    '10.0.0.1',
    '192.0.2.7',
    '::ffff:10.0.0.1',
    '::',
    'fe80::1',
    '127.0.0.1.evil',
    '1127.0.0.1',
    '2001:db8::1',
  ])('does not hold for %s', (address) => {
    expect(isLoopback(address)).toBe(false);
  });
});

describe('forwardedAddresses()', () => {
  it('reads every header in which proxies write where a request came from', () => {
    expect(
      forwardedAddresses({
        'x-forwarded-for': '192.0.2.7, 10.0.0.1:8080',
        'x-real-ip': '192.0.2.8',
        forwarded: 'for=192.0.2.9;proto=http, For="[2001:db8::1]:4711"',
      }),
    ).toEqual(['192.0.2.7', '10.0.0.1', '192.0.2.8', '192.0.2.9', '2001:db8::1']);
  });

  it('is empty when no proxy says anything', () => {
    expect(forwardedAddresses({ host: 'localhost' })).toEqual([]);
  });
});

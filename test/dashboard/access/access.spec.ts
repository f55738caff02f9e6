import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { forwardedAddresses, isLoopback } from '../../../lib/dashboard/access/access.js';
import { sessionToken } from '../../../lib/dashboard/access/session-token.js';

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

describe('sessionToken()', () => {
  let folder: string;
  let store: string;
  let file: string;
  beforeEach(() => {
    folder = join(mkdtempSync(join(tmpdir(), 'session-token-')), '.telemetry');
    store = join(folder, 'telemetry.db');
    file = join(folder, 'dashboard-token');
  });
  afterEach(() => {
    rmSync(join(folder, '..'), { recursive: true, force: true });
  });

  it('makes a folder and a file that only the owner can read, whatever the umask is', () => {
    const before = process.umask(0);
    try {
      const token = sessionToken(store);
      expect(token).toMatch(/^[\w-]{32}$/);
      expect(readFileSync(file, 'utf8')).toBe(`${token}\n`);
      expect((statSync(file).mode & 0o777).toString(8)).toBe('600');
      expect((statSync(folder).mode & 0o777).toString(8)).toBe('700');
      expect(readFileSync(join(folder, '.gitignore'), 'utf8')).toBe('*\n');
    } finally {
      process.umask(before);
    }
  });

  it('returns the same token again', () => {
    expect(sessionToken(store)).toBe(sessionToken(store));
  });

  it.each([
    [
      'others could read it',
      (token: string) => {
        writeFileSync(file, token);
        chmodSync(file, 0o644);
      },
    ],
    [
      'it is empty',
      () => {
        writeFileSync(file, '', { mode: 0o600 });
      },
    ],
    [
      'it holds something else',
      () => {
        writeFileSync(file, 'guess-me', { mode: 0o600 });
      },
    ],
    [
      'it is a link to a file somewhere else',
      (token: string) => {
        writeFileSync(join(folder, 'elsewhere'), token, { mode: 0o600 });
        symlinkSync(join(folder, 'elsewhere'), file);
      },
    ],
  ])('replaces the file where %s', (_, prepare) => {
    mkdirSync(folder, { mode: 0o700 });
    const known = 'k'.repeat(32);
    prepare(known);
    const token = sessionToken(store);
    expect(token).not.toBe(known);
    expect(readFileSync(file, 'utf8')).toBe(`${token}\n`);
    expect((statSync(file).mode & 0o777).toString(8)).toBe('600');
    expect(sessionToken(store)).toBe(token);
  });

  it('returns a token for this process where the file cannot be written', () => {
    // A file stands where the folder should be; rights do not stop root.
    writeFileSync(folder, '');
    const token = sessionToken(store);
    expect(token).toMatch(/^[\w-]{32}$/);
    expect(sessionToken(store)).toBe(token);
  });

  it('keeps no file for a store in memory', () => {
    expect(sessionToken(':memory:')).toBe(sessionToken(':memory:'));
  });
});

import { createUserOf } from '../../../lib/instrumentation/http-server/application-hooks.js';
import { HOSTILE_VALUES } from '../../support/hostile-values.js';

describe('the hook that names the user of a request', () => {
  it.each(HOSTILE_VALUES.map(({ name, make }) => [name, make] as const))(
    'may return or throw %s, or have it as an id, and the request goes on',
    (_name, make) => {
      const hooks = [
        () => make(),
        () => ({ id: make() }),
        () => ({ id: 'ada', hash: make() }),
        () => {
          throw make();
        },
      ];
      for (const hook of hooks) {
        const user = createUserOf({ user: hook as never })!({});
        for (const [key, value] of Object.entries(user ?? {})) {
          expect(['user.id', 'user.hash']).toContain(key);
          expect(typeof value).toBe('string');
        }
      }
    },
  );

  it('hashes the same id to the same text with one key, and to another with another key', () => {
    const of = (userHashKey?: string) => createUserOf({ user: () => 'ada', userHashKey })!({})!['user.hash'];
    expect(of('a')).toMatch(/^[0-9a-f]{32}$/);
    expect(of('a')).toBe(of('a'));
    expect(new Set([of(), of('a'), of('b')]).size).toBe(3);
  });
});

import { type RedactionConfig } from '../../lib/config/redaction.js';
import { DEFAULT_REDACTION } from '../../lib/redaction/active-redaction.js';
import { RedactionPolicy } from '../../lib/redaction/redaction-policy.js';

const R = '[Redacted]';
const policyOf = (config: Partial<RedactionConfig> = {}) =>
  new RedactionPolicy({ ...DEFAULT_REDACTION, ...config });
const policy = policyOf();
const JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U';

describe('keys of secrets', () => {
  it.each([
    'password',
    'Password',
    'user.password',
    'dbPassword',
    'PGPASSWORD',
    'passwd',
    'pwd',
    'MYSQL_PWD',
    'secret',
    'clientSecret',
    'client_secret',
    'secret_id',
    'token',
    'access_token',
    'refreshToken',
    'idToken',
    'x-auth-token',
    'xsrfToken',
    'authorization',
    'Proxy-Authorization',
    'http.request.header.authorization',
    'http.response.header.set-cookie',
    'cookie',
    'apiKey',
    'api_key',
    'api-key',
    'apikey',
    'x-api-key',
    'privateKey',
    'aws_secret_access_key',
    'session',
    'sessionId',
    'session_id',
    'csrf',
    'creditCard',
    'credit_card_number',
    'cardNumber',
    'cvv',
    'ssn',
    'pin',
    'pass',
    'smtp_pass',
    'connect.sid',
    'credentials',
  ])('takes the value of %s for one', (key) => {
    expect(policy.attribute(key, 'a value')).toBe(R);
  });

  it.each([
    'gen_ai.usage.input_tokens',
    'gen_ai.token.type',
    'token_type',
    'tokenType',
    'tokens',
    'token_count',
    'token_expires_in',
    'session.id',
    'mcp.session.id',
    'session.previous_id',
    'session_count',
    'author',
    'authority',
    'monkey',
    'keyboard',
    'primary_key',
    'routing_key',
    'key',
    'secretary',
    'pinned',
    'shipping',
    'spinner',
    'passenger',
    'compass',
    'bypass',
    'password_changed_at',
    'k8s.secret.name',
    'tokenizer',
    'card',
    'http.route',
    'db.query.text',
    'messaging.kafka.message.key',
    'code.function.name',
  ])('leaves the value of %s alone', (key) => {
    expect(policy.attribute(key, 'a value')).toBe('a value');
  });

  it('leaves flags and counts alone, and takes numbers that are secrets', () => {
    expect(policy.attribute('password', true)).toBe(true);
    expect(policy.attribute('token', 512)).toBe(512);
    expect(policy.attribute('pin', 1234)).toBe(R);
    expect(policy.attribute('cvv', 123)).toBe(R);
  });

  it('takes lists and objects below such a key as a whole', () => {
    expect(policy.attribute('http.request.header.cookie', ['a=1', 'b=2'])).toBe(R);
    expect(policy.nested({ user: { credentials: { login: 'x' } } })).toEqual({ user: { credentials: R } });
  });
});

describe('secrets in texts', () => {
  it.each([
    ['a bearer token', `Authorization was Bearer abcDEF123`, `Authorization was Bearer ${R}`],
    ['basic credentials', 'sent Basic dXNlcjpwYXNz', `sent Basic ${R}`],
    ['a JWT', `got ${JWT} back`, `got ${R} back`],
    ['an AWS key', 'with AKIAIOSFODNN7EXAMPLE now', `with ${R} now`],
    ['a Google key', 'with AIzaSyA1234567890abcdefghijklmnopqrstuv now', `with ${R} now`],
    ['a GitHub token', 'with ghp_1234567890abcdefghijklmnopqrstuvwxyz now', `with ${R} now`],
    ['a Slack token', 'with xoxb-123456789012-abcdef now', `with ${R} now`],
    // Put together here, because scanners of repositories take it for a real one.
    ['a Stripe key', `with ${['sk', 'live', '1234567890abcdefghij'].join('_')} now`, `with ${R} now`],
    ['an OpenAI key', 'with sk-proj-1234567890abcdefghij now', `with ${R} now`],
    ['a private key', 'x -----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- y', `x ${R} y`],
    ['a private key that is cut off', 'x -----BEGIN PRIVATE KEY-----\nMIIE', `x ${R}`],
    ['a card number', 'paid with 4111 1111 1111 1111.', `paid with ${R}.`],
    ['a card number with hyphens', 'paid with 5500-0000-0000-0004', `paid with ${R}`],
    ['the password of a URL', 'redis://:hunter2@cache:6379/0', `redis://${R}@cache:6379/0`],
    ['user and password of a URL', 'postgres://app:p%40ss@db/orders', `postgres://${R}@db/orders`],
    ['a password with a slash in a URL', 'postgres://app:p/ss@db/orders', `postgres://${R}@db/orders`],
    ['a query', '/reset?token=abc&page=2', `/reset?token=${R}&page=2`],
    [
      'a signed URL',
      'https://s3/x?X-Amz-Signature=ab12&sig=cd',
      `https://s3/x?X-Amz-Signature=${R}&sig=${R}`,
    ],
    ['an escaped query', 'next=https%3A%2F%2Fx%2F%3Ftoken%3Dabc', `next=https%3A%2F%2Fx%2F%3Ftoken%3D${R}`],
    ['a fragment', 'https://x/#access_token=abc&state=1', `https://x/#access_token=${R}&state=1`],
    ['a form', 'user[password]=abc&user[name]=bob', `user[password]=${R}&user[name]=bob`],
    ['JSON', '{"password":"a\\"b","user":"bob"}', `{"password":"${R}","user":"bob"}`],
    [
      'JSON inside JSON',
      '{"body":"{\\"password\\":\\"abc\\",\\"a\\":1}"}',
      `{"body":"{\\"password\\":\\"${R}\\",\\"a\\":1}"}`,
    ],
    ['an inspected object', "{ password: 'abc', user: 'bob' }", `{ password: '${R}', user: 'bob' }`],
    ['a cut off value', '{"password":"abc', `{"password":"${R}`],
    ['a header', 'Cookie: a=1; b=2\r\nHost: x', `Cookie: ${R}\r\nHost: x`],
    ['a sentence', 'login failed, password: hunter2', `login failed, password: ${R}`],
    ['a command line', 'node x --password hunter2 --port 80', `node x --password ${R} --port 80`],
    ['an environment', 'DB_PASSWORD=abc PORT=80', `DB_PASSWORD=${R} PORT=80`],
  ])('are found in %s', (_, text, expected) => {
    expect(policy.text(text)).toBe(expected);
    expect(policy.text(expected)).toBe(expected);
  });

  it.each([
    '4bf92f3577b34da6a3ce929d0e0e4736',
    '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    '12345678901234567890123456789012',
    '2026-11-28T09:55:51.000Z',
    '1764323751000',
    '1764323751000000',
    'order 4111111111111112 is none',
    '3.1415926535897932',
    '0.4111111111111111',
    'GET /orders/:id',
    'http://localhost:3000/orders/42?page=2',
    'https://unpkg.com/react@18.2.0/index.js',
    'ssh://git@github.com/nestjs/nest.git',
    'Basic authentication is required',
    'Bearer tokens are opaque',
    'Invalid token: unexpected end of input',
    'Unexpected token: }',
    'at verify (/app/src/password.service.ts:12:34)',
    'at /app/src/token.ts:12:34',
    'SELECT id FROM tokens WHERE a = ?',
    'the author: Jane',
    'Mapped {/auth/token, POST} route',
    'cache hit for user:42',
    'Nest application successfully started',
    'PasswordService.verify',
    '{"tokens":12,"token_type":"bearer"}',
    'password=null',
    '550e8400-e29b-41d4-a716-446655440000',
  ])('are not seen in %s', (text) => {
    expect(policy.text(text)).toBe(text);
  });

  it.each([
    'UPDATE users SET password = ?, token=$12',
    '{"update":"users","updates":[{"u":{"$set":{"secret":"?"}}}]}',
  ])('are not the placeholders of a statement: %j', (statement) => {
    expect(policy.attribute('db.query.text', statement)).toBe(statement);
    expect(policy.attribute('db.query.text', statement.replaceAll('?', '?x'))).toContain(R);
  });

  it('take the queries of all URLs along in the text of an error', () => {
    expect(policy.errorText('Cannot GET /reset-pasword?t=abc')).toBe(`Cannot GET /reset-pasword?${R}`);
    expect(policy.errorText('Route GET:/a?x=1&y=2 not found')).toBe(`Route GET:/a?${R} not found`);
    expect(policy.errorText('fetch of https://x/y?code=1 failed?')).toBe(`fetch of https://x/y?${R} failed?`);
    expect(policy.errorText('really? yes/no? maybe')).toBe('really? yes/no? maybe');
  });

  it('are found in values that are no texts', () => {
    expect(policy.attribute('paid.with', 4111111111111111)).toBe(R);
    expect(policy.attribute('at', 1764323751000000)).toBe(1764323751000000);
    expect(policy.attribute('argv', ['--token', 'abc', '--port', '80'])).toEqual([
      '--token',
      R,
      '--port',
      '80',
    ]);
    expect(policy.nested({ rawHeaders: ['Host', 'x', 'Cookie', 'a=1'] })).toEqual({
      rawHeaders: ['Host', 'x', 'Cookie', R],
    });
    expect(policy.nested([{ name: 'password', value: 'abc' }])).toEqual([{ name: 'password', value: R }]);
  });
});

describe('the options of redaction', () => {
  it('adds keys by words and by expression', () => {
    const own = policyOf({ keys: ['customer number', /^x-internal-/] });
    expect(own.attribute('customerNumber', 'K-17')).toBe(R);
    expect(own.attribute('x-customer-number', 'K-17')).toBe(R);
    expect(own.attribute('x-internal-id', '17')).toBe(R);
    expect(own.text('customer_number=K-17')).toBe(`customer_number=${R}`);
    expect(own.attribute('customer', 'K-17')).toBe('K-17');
  });

  it('adds patterns, in texts of any length', () => {
    const own = policyOf({ patterns: [/\bK-\d+\b/] });
    expect(own.text('K-17')).toBe(R);
    const filling = 'lorem ipsum '.repeat(1_000);
    expect(own.text(`${filling}K-17 ${filling}K-18`)).toBe(`${filling}${R} ${filling}${R}`);
    for (const length of [3_580, 3_584, 4_090, 4_094, 4_096, 4_100]) {
      const text = `${'x '.repeat(length / 2)}K-1234567 y`;
      expect(own.text(text)).toBe(`${'x '.repeat(length / 2)}${R} y`);
    }
  });

  it('replaces by what a function returns, and never what it returned', () => {
    const seen: unknown[] = [];
    const own = policyOf({
      replace: (secret, found) => {
        seen.push({ secret, ...found });
        return `<${secret.length}>`;
      },
    });
    const once = own.attribute('password', 'hunter2');
    expect(once).toBe('<7>');
    expect(own.attribute('password', once)).toBe('<7>');
    expect(seen).toEqual([{ secret: 'hunter2', rule: 'keys', key: 'password' }]);
  });

  it('falls back to the default where the function throws, and says so', () => {
    const errors: unknown[] = [];
    const own = new RedactionPolicy(
      {
        ...DEFAULT_REDACTION,
        replace: () => {
          throw new Error('no');
        },
      },
      (error) => errors.push(error),
    );
    expect(own.attribute('password', 'hunter2')).toBe(R);
    expect(errors).toHaveLength(1);
  });

  it('switches off as a whole or by rule', () => {
    expect(policyOf({ disable: true }).attribute('password', 'x')).toBe('x');
    const partly = policyOf({ disable: ['cards', 'keys'] });
    expect(partly.attribute('password', 'x')).toBe('x');
    expect(partly.text('4111111111111111')).toBe('4111111111111111');
    expect(partly.text(JWT)).toBe(R);
  });
});

describe('hostile values', () => {
  it.each([
    ['slashes', '/'.repeat(200_000)],
    ['question marks', 'a?'.repeat(100_000)],
    ['separators', 'token:'.repeat(50_000)],
    ['equals', 'password='.repeat(50_000)],
    ['quotes', `"password":"${'\\"'.repeat(100_000)}`],
    ['schemes', '://'.repeat(70_000)],
    ['digits', '1 '.repeat(100_000)],
    ['digits without spaces', '4'.repeat(200_000)],
    ['key beginnings', '-----BEGIN PRIVATE KEY-----'.repeat(8_000)],
    ['token beginnings', 'eyJ'.repeat(70_000)],
    ['bearers', 'Bearer '.repeat(30_000)],
    ['options', '--a '.repeat(50_000)],
    ['words', 'a'.repeat(200_000) + '='],
    ['at signs', `://${'a@'.repeat(100_000)}`],
    ['spaces', ' '.repeat(200_000) + '=:'],
  ])('cost time in proportion to their length: %s', (_, text) => {
    const half = text.slice(0, text.length / 2);
    const time = (value: string): number => {
      const startedAt = performance.now();
      policy.errorText(value);
      return performance.now() - startedAt;
    };
    time(half);
    const short = Math.min(time(half), time(half), time(half));
    const long = Math.min(time(text), time(text), time(text));
    // Twice for what is linear, four times for what is quadratic; 200,000 characters in 150 ms are never quadratic.
    expect(long < 150 || long < short * 3.2).toBe(true);
  });

  it('do not throw', () => {
    const circular: Record<string, unknown> = { password: 'x' };
    circular.self = circular;
    expect(policy.nested(circular)).toEqual({ password: R, self: '[Circular]' });
    const throwing = {
      get a(): string {
        throw new Error('no');
      },
    };
    expect(policy.nested({ throwing })).toEqual({ throwing: '[Threw]' });
  });
});

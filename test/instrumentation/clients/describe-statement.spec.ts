import { configureTelemetry, getTelemetry } from 'nestjs-telemetry';
import { createTelemetryProbe, type TelemetryProbe } from 'nestjs-telemetry/testing';

import {
  describeStatement,
  maskLiterals,
} from '../../../lib/instrumentation/clients/database/describe-statement.js';
import {
  describeMongodbCommand,
  recordCommand,
  type SendMongodbCommand,
} from '../../../lib/instrumentation/clients/mongodb/instrument-mongodb.js';
import {
  describeCommand,
  isBlockingCommand,
} from '../../../lib/instrumentation/clients/redis/record-command.js';
import { processCpuMs } from '../../support/cpu-time.js';

describe('describeStatement()', () => {
  it.each([
    [
      "SELECT * FROM users WHERE name = 'O''Brien' AND age > 42",
      'SELECT * FROM users WHERE name = ? AND age > ?',
      'SELECT users',
    ],
    ['select id\n  from "Orders" where id = $1', 'select id from "Orders" where id = $1', 'SELECT Orders'],
    [
      'INSERT INTO public.jobs (id, body) VALUES (1, $$secret$$)',
      'INSERT INTO public.jobs (id, body) VALUES (?, ?)',
      'INSERT public.jobs',
    ],
    ["UPDATE t2 SET c1 = 1.5 -- token 'abc'\nWHERE id = 7", 'UPDATE t2 SET c1 = ? WHERE id = ?', 'UPDATE t2'],
    ["DELETE FROM a /* secret */ WHERE b = 'x'", 'DELETE FROM a WHERE b = ?', 'DELETE a'],
    ['BEGIN', 'BEGIN', 'BEGIN'],
    ["SELECT 'never closed", 'SELECT ?', 'SELECT'],
    ['', '', 'QUERY'],
    ["SELECT E'it\\'s secret' FROM a", 'SELECT ? FROM a', 'SELECT a'],
    [
      'SELECT * FROM a WHERE x = 1e10 OR y = 0xFF OR z = .5',
      'SELECT * FROM a WHERE x = ? OR y = ? OR z = ?',
      'SELECT a',
    ],
    [
      'DELETE FROM "a"."b c" WHERE id IN (1, 2, \'x\')',
      'DELETE FROM "a"."b c" WHERE id IN (?)',
      'DELETE a.b c',
    ],
    ['select $1::int, t1.c2 from t1', 'select $1::int, t1.c2 from t1', 'SELECT t1'],
  ])('takes the literals out of %j', (statement, text, summary) => {
    expect(describeStatement(statement)).toMatchObject({ text, summary });
  });

  it.each([
    [
      'SELECT * FROM `users` WHERE name = "Ada" AND age = 3',
      'SELECT * FROM `users` WHERE name = ? AND age = ?',
      'SELECT users',
    ],
    ['INSERT INTO a VALUES (\'it\\\'s secret\', "sec\\"ret")', 'INSERT INTO a VALUES (?, ?)', 'INSERT a'],
    ['SELECT 1 # secret', 'SELECT ?', 'SELECT'],
  ])('takes the literals of MySQL out of %j', (statement, text, summary) => {
    expect(describeStatement(statement, 'mysql')).toMatchObject({ text, summary });
  });

  it.each([
    [
      'a quote in a quoted name',
      `SELECT a FROM t WHERE "o'clock"=1 AND pw='SEC'`,
      `SELECT a FROM t WHERE "o'clock"=? AND pw=?`,
    ],
    [
      'a doubled quote in a name',
      `SELECT "a""b'c" FROM t WHERE pw='SEC'`,
      `SELECT "a""b'c" FROM t WHERE pw=?`,
    ],
    ['nested comments', `SELECT a /* x /* y */ SEC */ FROM t`, 'SELECT a FROM t'],
    ['a comment that never ends', `SELECT a FROM t /* x /* y */ SEC`, 'SELECT a FROM t'],
    ['a quote in a comment', `SELECT a -- it's\nFROM t WHERE pw='SEC'`, 'SELECT a FROM t WHERE pw=?'],
    [
      'groups of digits',
      'SELECT 1_000_000, 0b11, 0o17, 0xdead_beef, 1e-5, 1.5E+10, .5e1',
      'SELECT ?, ?, ?, ?, ?, ?, ?',
    ],
    ['prefixes', `SELECT N'SEC', X'5EC0', b'101', U&'SEC\\0041', E'S\\'EC'`, 'SELECT ?, ?, ?, ?, ?'],
    ['dollar quotes', 'SELECT $$SEC$$, $t$SEC $$ SEC$t$, $1', 'SELECT ?, ?, $1'],
    ['a dollar quote that never ends', 'SELECT $t$SEC $$ SEC', 'SELECT ?'],
    [
      'COPY data',
      'COPY t (a) FROM stdin WITH (FORMAT csv);\n1\tSEC\n\\.\n',
      'COPY t (a) FROM stdin WITH (FORMAT csv)',
    ],
    ['COPY data behind a line end', 'copy t from STDIN\nSEC\n', 'copy t from STDIN'],
    [
      'several statements',
      `SET x = 'SEC'; ALTER ROLE a PASSWORD 'SEC'; SELECT 1`,
      'SET x = ?; ALTER ROLE a PASSWORD ?; SELECT ?',
    ],
    [
      'CREATE USER',
      `CREATE USER a WITH PASSWORD 'SEC' VALID UNTIL '2030'`,
      'CREATE USER a WITH PASSWORD ? VALID UNTIL ?',
    ],
    [
      'an escape character',
      `SELECT a FROM t WHERE b LIKE $1 ESCAPE '\\' AND c = 'SEC'`,
      'SELECT a FROM t WHERE b LIKE $1 ESCAPE ? AND c = ?',
    ],
    [
      'a backslash of which nobody knows what it means',
      `SELECT a FROM t WHERE b = 'it\\'s SEC' AND c = 'SEC'`,
      'SELECT a FROM t WHERE b = ?',
    ],
    ['a name that never ends', `SELECT a FROM t WHERE "x = 'SEC'`, 'SELECT a FROM t WHERE'],
    [
      'JSON operators',
      `SELECT a #>> '{SEC}', b -> 'SEC', c - 1 FROM t`,
      'SELECT a #>> ?, b -> ?, c - ? FROM t',
    ],
    [
      'casts and arrays',
      `SELECT '1'::int, ARRAY[1,2], t.c2, f1(3) FROM t`,
      'SELECT ?::int, ARRAY[?,?], t.c2, f1(?) FROM t',
    ],
    [
      'names of other alphabets',
      `SELECT größe, 名前 FROM t WHERE б = 'SEC'`,
      'SELECT größe, 名前 FROM t WHERE б = ?',
    ],
    ['digits of other alphabets', `SELECT a FROM t WHERE b = '٣SEC'`, 'SELECT a FROM t WHERE b = ?'],
  ])('leaves nothing of a literal with %s', (_, statement, text) => {
    expect(describeStatement(statement).text).toBe(text);
    expect(describeStatement(statement).text).not.toContain('SEC');
  });

  it.each([
    [
      'a quote in a name',
      "SELECT `o'clock`, `a``b'` FROM t WHERE pw='SEC'",
      "SELECT `o'clock`, `a``b'` FROM t WHERE pw=?",
    ],
    ['both quotes', `SELECT "it's SEC", 'say "SEC"', "a\\"SEC", 'a\\\\' FROM t`, 'SELECT ?, ?, ?, ? FROM t'],
    [
      'comments',
      `SELECT a # it's SEC\nFROM t -- "SEC\nWHERE b = 1 /*! SEC */`,
      'SELECT a FROM t WHERE b = ?',
    ],
    ['two minus signs', `SELECT 5--1, 'SEC' FROM t`, 'SELECT ?--?, ? FROM t'],
    ['an introducer', `SELECT _utf8mb4'SEC', x'5EC', 0b11 FROM t`, 'SELECT _utf8mb4?, ?, ? FROM t'],
    ['SET PASSWORD', `SET PASSWORD FOR 'a'@'%' = PASSWORD("SEC")`, 'SET PASSWORD FOR ?@? = PASSWORD(?)'],
    ['IDENTIFIED BY', `CREATE USER a IDENTIFIED BY "SEC"`, 'CREATE USER a IDENTIFIED BY ?'],
  ])('leaves nothing of a literal of MySQL with %s', (_, statement, text) => {
    expect(describeStatement(statement, 'mysql').text).toBe(text);
  });

  it.each([
    "'",
    '"',
    '`',
    '$$',
    '$a',
    '/*',
    '--',
    '\\',
    "'\\",
    '1',
    'e',
    "e'",
    '1e',
    '(',
    "''",
    '"a',
    'é',
    '#',
    '.',
  ])('takes time in proportion to the length of %j repeated', (part) => {
    const time = (length: number): number => {
      const statement = part.repeat(length / part.length);
      const times = [1, 2, 3].map(() => {
        const before = processCpuMs();
        maskLiterals(statement, 'standard');
        maskLiterals(statement, 'mysql');
        return processCpuMs() - before;
      });
      return Math.min(...times);
    };
    const short = time(60_000);
    const long = time(240_000);
    // Four times for what is linear, 16 times for what is quadratic; below 40 ms neither matters.
    expect(long < 40 || long < short * 9).toBe(true);
  });

  it('bounds the text of a huge statement, and the time it takes', () => {
    const huge = `INSERT INTO t VALUES ${"('value', 1),".repeat(100_000)}`;
    const before = processCpuMs();
    expect(describeStatement(huge).text.length).toBeLessThanOrEqual(2048);
    expect(processCpuMs() - before).toBeLessThan(200);
  });
});

describe('describeCommand() of Redis', () => {
  it.each([
    ['get', ['user:1'], 'GET user:1'],
    ['SET', ['user:1', 'secret', 'EX', 60], 'SET user:1 ? ? ?'],
    ['DEL', ['a', 'b'], 'DEL a b'],
    ['HSET', ['user:1', 'email', 'a@b.c'], 'HSET user:1 ? ?'],
    ['AUTH', ['user', 'password'], 'AUTH ? ?'],
    ['CONFIG', ['SET', 'requirepass', 'secret'], 'CONFIG SET ? ?'],
    ['EVALSHA', ['e0e1f9', 2, 'k1', 'k2', 'secret'], 'EVALSHA ? 2 k1 k2 ?'],
    ['GET', [Buffer.from('user:1')], 'GET user:1'],
    ['PING', [], 'PING'],
  ])('writes %s %j as %j', (command, args, text) => {
    expect(describeCommand(command, args)).toBe(text);
  });

  it('bounds the text of a huge command', () => {
    const keys = Array.from({ length: 10_000 }, (_, index) => `key:${index}`);
    expect(describeCommand('DEL', keys).length).toBeLessThanOrEqual(1024);
  });

  it('knows which commands wait for something to come', () => {
    expect(isBlockingCommand('bzpopmin', ['queue', 5])).toBe(true);
    expect(isBlockingCommand('XREADGROUP', ['GROUP', 'g', 'c', 'BLOCK', '0', 'STREAMS', 's', '>'])).toBe(
      true,
    );
    expect(isBlockingCommand('XREAD', ['STREAMS', 's', '0'])).toBe(false);
    expect(isBlockingCommand('GET', ['a'])).toBe(false);
  });
});

describe('describeMongodbCommand()', () => {
  const shape = (command: Record<string, unknown>, name: string): unknown =>
    JSON.parse(describeMongodbCommand(command, name, 'users'));

  it('keeps fields and operators and replaces every value', () => {
    const filter = {
      name: 'Ada',
      tags: { $in: ['a', 'b'] },
      $or: [{ age: { $gt: 3 } }, { born: new Date() }],
    };
    expect(shape({ find: 'users', filter, lsid: { id: 'session' } }, 'find')).toEqual({
      find: 'users',
      filter: { name: '?', tags: { $in: '?' }, $or: [{ age: { $gt: '?' } }, { born: '?' }] },
    });
  });

  it('keeps the stages of a pipeline', () => {
    const pipeline = [{ $match: { status: 'A' } }, { $group: { _id: '$cust', total: { $sum: '$amount' } } }];
    expect(shape({ aggregate: 'users', pipeline, cursor: {} }, 'aggregate')).toEqual({
      aggregate: 'users',
      pipeline: [{ $match: { status: '?' } }, { $group: { _id: '?', total: { $sum: '?' } } }],
    });
  });

  it('shows nothing of documents to insert', () => {
    expect(shape({ insert: 'users', documents: [{ secret: 1 }], ordered: true }, 'insert')).toEqual({
      insert: 'users',
    });
  });

  it('ends with a document that contains itself, and bounds a huge one', () => {
    const endless: Record<string, unknown> = {};
    endless.self = endless;
    expect(describeMongodbCommand({ find: 'users', filter: endless }, 'find', 'users').length).toBeLessThan(
      300,
    );
    const wide = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`field${index}`, index]));
    expect(
      describeMongodbCommand({ find: 'users', filter: wide }, 'find', 'users').length,
    ).toBeLessThanOrEqual(2048);
  });
});

const CONNECTION = { address: '127.0.0.1:27017' };

const NAMESPACE = { db: 'shop' };

const COMMAND = { find: 'users' };

describe('the fourth argument of a command of mongodb', () => {
  const probe: TelemetryProbe = createTelemetryProbe();
  const running = configureTelemetry({ ...probe.options, instrumentation: false });
  beforeEach(() => {
    probe.reset();
  });
  afterAll(() => running.shutdown());

  const below = <T>(fn: () => T): T => getTelemetry('test').trace('request', fn);

  it('is passed on as it is where it is the class of the answer, as from 6.6 on', async () => {
    class CursorResponse {
      readonly id = 0;
    }
    class MongoDBResponse extends CursorResponse {
      static make(): MongoDBResponse {
        return new MongoDBResponse();
      }
    }
    for (const Answer of [CursorResponse, MongoDBResponse]) {
      const send = jest.fn(() => Promise.resolve({ ok: 1 })) as jest.Mock & SendMongodbCommand;
      const answer = below(() => recordCommand(CONNECTION, send, [NAMESPACE, COMMAND, {}, Answer]));
      expect(await answer).toEqual({ ok: 1 });
      expect(send.mock.calls).toEqual([[NAMESPACE, COMMAND, {}, Answer]]);
    }
    expect(probe.spans().filter(({ name }) => name === 'find users')).toHaveLength(2);
  });

  type Callback = (error: unknown, response: unknown) => unknown;

  it.each<[string, (callback: Callback) => Callback]>([
    ['an arrow function', (callback) => (error, response) => callback(error, response)],
    [
      'a function',
      (callback) =>
        function (error, response) {
          return callback(error, response);
        },
    ],
  ])('ends the span when it is called where it is %s, as before 6.2', (_, callbackOf) => {
    const callback = jest.fn();
    const send: SendMongodbCommand = (_namespace, _command, ...rest) => {
      (rest[1] as (error: unknown, response: unknown) => void)(undefined, { ok: 1 });
    };
    below(() => recordCommand(CONNECTION, send, [NAMESPACE, COMMAND, {}, callbackOf(callback)]));
    expect(callback.mock.calls).toEqual([[undefined, { ok: 1 }]]);
    expect(probe.spans().map(({ name }) => name)).toEqual(['find users', 'request']);
  });
});

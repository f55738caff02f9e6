import { describeStatement } from '../../../lib/instrumentation/clients/sql/describe-statement.js';

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

  it('bounds the text of a huge statement, and the time it takes', () => {
    const huge = `INSERT INTO t VALUES ${"('value', 1),".repeat(100_000)}`;
    const startedAt = performance.now();
    expect(describeStatement(huge).text.length).toBeLessThanOrEqual(2048);
    expect(performance.now() - startedAt).toBeLessThan(200);
  });
});

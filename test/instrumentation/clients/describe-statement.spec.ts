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
  ])('takes the literals out of %j', (statement, text, summary) => {
    expect(describeStatement(statement)).toMatchObject({ text, summary });
  });

  it('bounds the text of a huge statement, and the time it takes', () => {
    const huge = `INSERT INTO t VALUES ${"('value', 1),".repeat(100_000)}`;
    const startedAt = performance.now();
    expect(describeStatement(huge).text.length).toBeLessThanOrEqual(2048);
    expect(performance.now() - startedAt).toBeLessThan(200);
  });
});

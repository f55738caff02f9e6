import { formatTextLine } from '../../lib/logging/format-text-line.js';
import { parseLogLine } from '../../lib/logging/parse-log-line.js';
import { serializeError } from '../../lib/logging/serialize-error.js';

const KEYS = { message: 'msg', error: 'err', nested: undefined };

function format(record: object, level = 30): string {
  return formatTextLine(parseLogLine(JSON.stringify(record), level, KEYS));
}

describe('the text form', () => {
  it.each([
    [10, 'TRACE'],
    [20, 'DEBUG'],
    [30, 'INFO'],
    [35, 'INFO'],
    [40, 'WARNING'],
    [50, 'ERROR'],
    [60, 'CRITICAL'],
  ])('spells level %i as %s', (level, label) => {
    expect(format({ msg: 'x' }, level)).toBe(`${label} - x\n`);
  });

  it('puts ids after the message, then context and fields', () => {
    expect(
      format({
        level: 30,
        time: 1,
        service: 's',
        trace_id: 't',
        span_id: 'p',
        trace_flags: '01',
        context: 'Orders',
        id: 4,
        msg: 'Packed',
      }),
    ).toBe('INFO - Packed [trace:t] [span:p] [Orders] id=4\n');
  });

  it('quotes values that would be ambiguous and writes objects as JSON', () => {
    expect(format({ msg: 'x', a: 'two words', b: '', c: { d: [1] }, e: null, f: true })).toBe(
      'INFO - x a="two words" b="" c={"d":[1]} e=null f=true\n',
    );
  });

  it('puts the stack of an error and of its causes on indented lines', () => {
    const cause = Object.assign(new Error('refused'), { stack: 'Error: refused\n    at db.js:1:1' });
    const error = Object.assign(new TypeError('failed', { cause }), {
      stack: 'TypeError: failed\n    at app.js:2:2',
      code: 'E1',
    });
    expect(format({ msg: 'Job failed', err: serializeError(error) }, 50)).toBe(
      [
        'ERROR - Job failed code=E1',
        '    TypeError: failed',
        '        at app.js:2:2',
        '    caused by: Error: refused',
        '        at db.js:1:1',
        '',
      ].join('\n'),
    );
  });

  it('lets no data start a line of its own or steer the terminal', () => {
    expect(format({ msg: 'hello\nINFO - forged\u001b[2J\r' })).toBe(
      'INFO - hello\n    INFO - forged\\x1b[2J\\x0d\n',
    );
  });

  it('writes a request number only where there is no trace id', () => {
    expect(format({ msg: 'x', reqId: 3 })).toBe('INFO - x reqId=3\n');
    expect(format({ msg: 'x', reqId: 3, trace_id: 't' })).toBe('INFO - x [trace:t]\n');
  });

  it('shows a line that is not JSON as it is', () => {
    expect(formatTextLine(parseLogLine('raw line\n', 30, KEYS))).toBe('INFO - raw line\n');
  });
});

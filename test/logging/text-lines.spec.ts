import { ROOT_CONTEXT } from '@opentelemetry/api';

import { serializeError } from '../../lib/engine/describe-error.js';
import { type LogEntry } from '../../lib/logging/log-entry.js';
import { PinoLine } from '../../lib/logging/pino-line.js';
import { createPrettyFormatter, formatTextLine, usesColours } from '../../lib/logging/text-lines.js';

/** The entry of a line that pino wrote. */
function read(text: string, level: number): LogEntry {
  const written = { text, level, otelContext: ROOT_CONTEXT, parts: undefined };
  return new PinoLine(written, undefined, { message: 'msg', error: 'err', nested: undefined }).entry;
}

function format(record: object, level = 30): string {
  return formatTextLine(read(JSON.stringify(record), level));
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
        '    Caused by: Error: refused',
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
    expect(formatTextLine(read('raw line\n', 30))).toBe('INFO - raw line\n');
  });
});

describe('the pretty form', () => {
  const TIME = new Date(2026, 10, 28, 9, 44, 2).getTime();
  const LINE = { time: TIME, context: 'Orders', id: 4, msg: 'Packed' };
  const IDS = { trace_id: '4bf92f3577b34da6a3ce929d0e0e4736', span_id: '00f067aa0ba902b7' };
  const parse = (record: object, level = 30) => read(JSON.stringify(record), level);
  const plain = () => createPrettyFormatter({ serviceName: 'orders', colours: false });
  // What the clock says is written as the machine's language wants it.
  const clock = new Intl.DateTimeFormat(undefined, {
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  }).format(TIME);
  const head = `[orders] ${process.pid}  - ${clock}`;

  it('has time, level, context, message, fields and short ids, as in the console logger of NestJS', () => {
    expect(plain()(parse({ ...LINE, ...IDS }))).toBe(
      `${head}     LOG [Orders] Packed id=4 trace:4bf92f35 span:00f067aa\n`,
    );
  });

  it('writes the time since the line before', () => {
    const format = plain();
    format(parse(LINE));
    expect(format(parse({ ...LINE, time: TIME + 3 }))).toMatch(/ Packed id=4 \+3ms\n$/);
    expect(format(parse(LINE))).toMatch(/ \+0ms\n$/);
  });

  it.each([
    [10, 'VERBOSE', '96'],
    [20, '  DEBUG', '95'],
    [30, '    LOG', '32'],
    [35, '    LOG', '32'],
    [40, '   WARN', '33'],
    [50, '  ERROR', '31'],
    [60, '  FATAL', '1;31'],
    [99, '  FATAL', '1;31'],
  ])('spells level %i as %s and colours it', (level, label, colour) => {
    const coloured = createPrettyFormatter({ serviceName: 'orders', colours: true });
    expect(coloured(parse(LINE, level))).toContain(`\u001b[${colour}m${label}\u001b[0m`);
  });

  it('leaves out of a request line what its message contains', () => {
    const request = {
      method: 'GET',
      route: '/a/:id',
      path: '/a/7',
      status: 200,
      duration_ms: 2.5,
      handler: 'A.find',
    };
    expect(plain()(parse({ ...request, time: TIME, context: 'HTTP', msg: 'GET /a/:id 200 3ms' }))).toBe(
      `${head}     LOG [HTTP] GET /a/:id 200 3ms path=/a/7 handler=A.find\n`,
    );
  });

  it('writes no escape sequence that comes out of data', () => {
    const evil = '\u001b[2J';
    const text = plain()(parse({ time: TIME, msg: evil, context: evil, [evil]: evil }));
    expect(text).not.toContain('\u001b');
  });

  it('puts the stack of an error on indented lines', () => {
    const error = Object.assign(new TypeError('failed'), { stack: 'TypeError: failed\n    at app.js:2:2' });
    expect(plain()(parse({ time: TIME, msg: 'x', err: serializeError(error) }, 50))).toBe(
      `${head}   ERROR x\n    TypeError: failed\n        at app.js:2:2\n`,
    );
  });

  it.each([
    [{}, true, true],
    [{}, false, false],
    [{ NO_COLOR: '1' }, true, false],
    [{ NO_COLOR: '' }, true, true],
    [{ FORCE_COLOR: '1' }, false, true],
    [{ FORCE_COLOR: '0' }, true, false],
    [{ NO_COLOR: '1', FORCE_COLOR: '1' }, true, false],
  ])('in %j, terminal %s: colours %s', (env, isTerminal, expected) => {
    expect(usesColours(env, isTerminal)).toBe(expected);
  });
});

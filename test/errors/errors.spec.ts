import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { ERROR_CATALOGUE, TelemetryError } from '../../lib/errors/telemetry.error.js';
import {
  recentWarnings,
  resetWarnings,
  setWarningSink,
  warningCounts,
  warnOnce,
} from '../../lib/errors/warnings.js';

const ROW = /^\| `(TELEMETRY_\w+)` +\| (.+?) +\|/gm;

describe('docs/errors.md', () => {
  const page = readFileSync(join(__dirname, '../../docs/errors.md'), 'utf8');

  it('lists every code of the catalogue with its meaning, in order, and no other', () => {
    expect([...page.matchAll(ROW)].map(([, code, meaning]) => [code, meaning])).toEqual(
      Object.entries(ERROR_CATALOGUE),
    );
  });

  it('has a section for every code', () => {
    const sections = [...page.matchAll(/^## `(\w+)`$/gm)].map(([, code]) => code);
    expect(sections).toEqual(Object.keys(ERROR_CATALOGUE));
  });
});

describe('TelemetryError', () => {
  it('is an Error that carries code, problems and cause', () => {
    const cause = new Error('why');
    const problem = { name: 'sampling', received: '2', setIn: 'forRoot()', remedy: 'Write 1.' };
    const error = new TelemetryError('TELEMETRY_INVALID_OPTIONS', 'wrong', [problem], { cause });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name: 'TelemetryError',
      code: 'TELEMETRY_INVALID_OPTIONS',
      message: 'wrong',
      problems: [problem],
      cause,
    });
  });

  it('has no problems unless they are given', () => {
    expect(new TelemetryError('TELEMETRY_NOT_CONFIGURED', 'x').problems).toEqual([]);
  });
});

describe('warnOnce()', () => {
  let said: [message: string, code: string][];
  let restore: () => void;

  beforeEach(() => {
    resetWarnings();
    said = [];
    restore = setWarningSink((message, code) => said.push([message, code]));
  });

  afterEach(() => {
    restore();
    resetWarnings();
  });

  it('emits a message the first time only, and counts every time', () => {
    warnOnce('exporter', 'cannot send');
    warnOnce('exporter', 'cannot send');
    warnOnce('exporter', 'cannot send');
    expect(said).toEqual([['cannot send', 'exporter']]);
    expect(warningCounts().get('exporter')).toBe(3);
  });

  it('emits messages of other keys', () => {
    warnOnce('a', 'first');
    warnOnce('b', 'second');
    expect(said.map(([message]) => message)).toEqual(['first', 'second']);
  });

  it('emits it again, with the count, once the interval is over', () => {
    warnOnce('exporter', 'cannot send', 0);
    warnOnce('exporter', 'cannot send', 0);
    expect(said.map(([message]) => message)).toEqual(['cannot send', 'cannot send (2 times so far)']);
  });

  it('keeps the latest text of each, how often and when, emitted or not', () => {
    const before = Date.now();
    warnOnce('exporter', 'cannot send: refused');
    warnOnce('exporter', 'cannot send: timeout');
    const [warning] = recentWarnings();
    expect(warning).toEqual({
      message: 'cannot send: timeout',
      count: 2,
      at: expect.any(Number) as unknown,
    });
    expect(warning?.at).toBeGreaterThanOrEqual(before);
  });

  it('keeps a hundred at most', () => {
    for (let number = 0; number < 120; number += 1) warnOnce(`key-${number}`, `warning ${number}`);
    expect(recentWarnings()).toHaveLength(100);
  });

  it('forgets what was emitted when it is reset', () => {
    warnOnce('a', 'first');
    resetWarnings();
    warnOnce('a', 'first');
    expect(said).toHaveLength(2);
    expect(warningCounts().get('a')).toBe(1);
  });
});

describe('setWarningSink()', () => {
  it('leaves messages to the warnings of the process without a sink', () => {
    resetWarnings();
    const emitWarning = jest.spyOn(process, 'emitWarning').mockImplementation();
    warnOnce('env:OTEL_X', 'OTEL_X is wrong');
    expect(emitWarning.mock.calls).toEqual([
      ['OTEL_X is wrong', { type: 'TelemetryWarning', code: 'env:OTEL_X' }],
    ]);
    emitWarning.mockRestore();
    resetWarnings();
  });

  it('restores the sink that was there, but not over one that was set later', () => {
    const heard: string[] = [];
    const restoreFirst = setWarningSink(() => heard.push('first'));
    const restoreSecond = setWarningSink(() => heard.push('second'));
    restoreFirst();
    warnOnce('a', 'x');
    restoreSecond();
    warnOnce('b', 'x');
    expect(heard).toEqual(['second', 'first']);
    restoreFirst();
    resetWarnings();
  });
});

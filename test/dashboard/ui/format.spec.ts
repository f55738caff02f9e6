import {
  formatBytes,
  formatCount,
  formatDuration,
  formatInUnit,
  formatRate,
  formatShare,
  formatUnit,
  formatValue,
  parseDuration,
} from '../../../lib/dashboard/ui/format.js';

describe('the units of the page', () => {
  it.each([
    [0, '0 ms'],
    [0.000_25, '<1 µs'],
    [0.999_9, '1 ms'],
    [59_999, '1 min'],
    [-0.589, '−589 µs'],
    [0.83, '830 µs'],
    [12.345, '12.3 ms'],
    [1_240, '1.24 s'],
    [90_000, '1.5 min'],
    [259_200_000, '3 d'],
    [null, '–'],
  ])('writes %p ms as %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  it.each([
    ['By', 'bytes'],
    ['{request}', 'requests'],
    ['{connections}', 'connections'],
    ['1', 'ratio'],
    ['s', 'seconds'],
    ['', ''],
    ['furlong', 'furlong'],
  ])('names the unit %p %s', (unit, word) => {
    expect(formatUnit(unit)).toBe(word);
  });

  it('never rounds what failed down to nothing', () => {
    expect([0, 0.0004, 0.003, 0.5].map(formatShare)).toEqual(['0 %', '<0.1 %', '0.3 %', '50 %']);
  });

  it('says what is rare per minute', () => {
    expect([0, 0.05, 0.5, 1_234, 25_000].map(formatRate)).toEqual([
      '0 /s',
      '3 /min',
      '0.5 /s',
      '1,234 /s',
      '25k /s',
    ]);
  });

  it('writes counts, bytes and values of an instrument in its unit', () => {
    expect([9_999, 12_300, 4_100_000, 7.5e9, 3e12].map(formatCount)).toEqual([
      '9,999',
      '12.3k',
      '4.1M',
      '7.5G',
      '3T',
    ]);
    expect(formatBytes(48_300_000)).toBe('48.3 MB');
    expect(formatInUnit(0.25, 's')).toBe('250 ms');
    expect(formatInUnit(2_000, 'By')).toBe('2 kB');
  });

  it('writes every value of an attribute as text', () => {
    expect(['a', 1, true, null, [1, 'b'], { c: 1 }].map(formatValue)).toEqual([
      'a',
      '1',
      'true',
      'null',
      '[1,"b"]',
      '{"c":1}',
    ]);
  });

  it('reads durations with and without a unit, and nothing else', () => {
    expect(['250', '1.5s', '2 min', '100us', 'soon', '-1'].map(parseDuration)).toEqual([
      250,
      1_500,
      120_000,
      0.1,
      undefined,
      undefined,
    ]);
  });
});

import { prometheusUnit } from '../../../lib/exporters/prometheus/prometheus-names.js';

describe('prometheusUnit()', () => {
  it.each([
    ['s', false, 'seconds'],
    ['ms', false, 'milliseconds'],
    ['By', false, 'bytes'],
    ['By/s', false, 'bytes_per_second'],
    ['1/s', false, 'per_second'],
    ['%', true, 'percent'],
    ['1', true, 'ratio'],
    ['1', false, undefined],
    ['{request}', false, undefined],
    ['{packet}/s', false, 'per_second'],
    ['', true, undefined],
    ['furlong', false, 'furlong'],
  ])('spells %j (gauge: %s) as %s', (unit, gauge, expected) => {
    expect(prometheusUnit(unit, { gauge })).toBe(expected);
  });
});

import { TraceState } from '@opentelemetry/core';

import { TraceId } from '../../lib/engine/local-span.js';
import { TraceShare } from '../../lib/engine/recording-tracer-provider.js';
import {
  checkedState,
  randomnessOf,
  Threshold,
  thresholdIn,
  withThreshold,
} from '../../lib/engine/sampling-threshold.js';

const ID = '0af7651916cd43dd8448eb211c80319c'; // randomness 48eb211c80319c
const written = (state: { serialize(): string } | undefined) => state?.serialize();

describe('the sampling threshold', () => {
  // 1 in N, of the table in OpenTelemetry's specification, with the precision it recommends.
  it.each([
    [1, '0'],
    [2, '8'],
    [3, 'aaab'],
    [4, 'c'],
    [5, 'cccd'],
    [8, 'e'],
    [10, 'e666'],
    [16, 'f'],
    [100, 'fd70a'],
    [1_000, 'ffbe77'],
    [10_000, 'fff9724'],
    [100_000, 'ffff583a'],
    [1_000_000, 'ffffef39'],
  ])('of 1 in %d is %s', (n, text) => {
    const threshold = Threshold.ofRatio(1 / n);
    expect(threshold.text).toBe(text);
    expect(Threshold.parse(text)?.adjustedCount).toBe(threshold.adjustedCount);
    expect(Math.abs(threshold.adjustedCount / n - 1)).toBeLessThan(0.0001);
  });

  it('admits no trace at 0, and every one at 1', () => {
    for (const id of ['0'.repeat(31) + '1', 'f'.repeat(32), ID]) {
      expect(Threshold.ofRatio(0).admits(TraceId.parse(id))).toBe(false);
      expect(Threshold.ofRatio(2 ** -60).admits(TraceId.parse(id))).toBe(false);
      expect(Threshold.ofRatio(1).admits(TraceId.parse(id))).toBe(true);
    }
  });

  it('admits by the last 56 bits of the id, the same by its numbers and by its text', () => {
    for (const ratio of [1e-7, 0.001, 0.1, 1 / 3, 0.5, 0.9, 0.9999]) {
      const share = new TraceShare(ratio);
      const rejected = BigInt(`0x${share.threshold.text.padEnd(14, '0')}`);
      for (let index = 0; index < 2_000; index += 1) {
        const id = TraceId.random();
        const text = id.toString();
        expect(share.includes(id)).toBe(BigInt(`0x${text.slice(18)}`) >= rejected);
        expect(share.threshold.admits(randomnessOf(text, undefined))).toBe(share.includes(id));
      }
      for (const [offset, admitted] of [
        [-1n, false],
        [0n, true],
        [1n, true],
      ] as const) {
        const text = `${'1'.repeat(18)}${(rejected + offset).toString(16).padStart(14, '0')}`;
        expect(share.includes(TraceId.parse(text))).toBe(admitted);
      }
    }
  });

  it('gives traces that begin here ids whose last 56 bits are random', () => {
    const ids = Array.from({ length: 4_000 }, () => TraceId.random().toString());
    for (let bit = 0n; bit < 56n; bit += 1n) {
      const set = ids.filter((id) => (BigInt(`0x${id.slice(18)}`) >> bit) % 2n === 1n).length;
      // Eight standard deviations.
      expect(Math.abs(set - 2_000)).toBeLessThan(253);
    }
  });

  it.each(['', 'g', '0x1', '123456789012345', '-1'])('is not read from %j', (text) => {
    expect(thresholdIn(new TraceState(`ot=th:${text}`))).toBeUndefined();
  });

  it('is read in both cases of its digits, beside other fields and members', () => {
    expect(thresholdIn(new TraceState('a=b,ot=rv:12345678901234;th:E666;x:y'))?.adjustedCount).toBeCloseTo(
      10,
      2,
    );
    expect(thresholdIn(new TraceState('a=th:c'))).toBeUndefined();
  });
});

describe('the trace state of a sampled trace', () => {
  const c = Threshold.ofRatio(0.25);

  it.each([
    [undefined, 'ot=th:c'],
    ['vendor=a', 'ot=th:c,vendor=a'],
    ['vendor=a,ot=rv:12345678901234', 'ot=rv:12345678901234;th:c,vendor=a'],
    ['ot=th:8;x:y', 'ot=x:y;th:c'],
    ['ot=rv:123;th:zz', 'ot=th:c'],
  ])('of %j says %s', (before, after) => {
    expect(written(withThreshold(before === undefined ? undefined : new TraceState(before), c))).toBe(after);
  });

  it('is the same object where it says so already', () => {
    const state = new TraceState('ot=rv:12345678901234;th:c,vendor=a');
    expect(withThreshold(state, c)).toBe(state);
    expect(withThreshold(undefined, c)).toBe(withThreshold(undefined, c));
  });

  it('has no threshold where there is no room for it', () => {
    const full = `x:${'y'.repeat(248)}`;
    const long = Threshold.ofRatio(0.01);
    expect(written(withThreshold(new TraceState(`ot=${full}`), long))).toBe(`ot=${full}`);
    expect(written(withThreshold(new TraceState(`ot=${full};th:0`), long))).toBe(`ot=${full}`);
  });

  it.each([
    ['ot=th:4', true, 'ot=th:4'],
    ['vendor=a', true, 'vendor=a'],
    // 48… is below c0…: the caller cannot have sampled by that.
    ['ot=th:c', true, ''],
    ['ot=th:c;x:y,vendor=a', true, 'ot=x:y,vendor=a'],
    ['ot=th:c;rv:d0000000000000', true, 'ot=th:c;rv:d0000000000000'],
    ['ot=th:c;rv:10000000000000', true, 'ot=rv:10000000000000'],
    ['ot=th:zz;rv:d', true, ''],
    ['ot=th:c', false, 'ot=th:c'],
    ['ot=th:4', false, ''],
  ])('goes on from %s where sampled is %s as "%s"', (before, isSampled, after) => {
    expect(written(checkedState(new TraceState(before), ID, isSampled))).toBe(after);
  });

  it('has its randomness from rv before the id', () => {
    const state = new TraceState('ot=rv:c0000000000000');
    expect(c.admits(randomnessOf(ID, state))).toBe(true);
    expect(c.admits(randomnessOf(ID, undefined))).toBe(false);
  });
});

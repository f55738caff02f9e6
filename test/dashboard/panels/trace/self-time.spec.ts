import { placeSpans, selfTimeOf } from '../../../../lib/dashboard/panels/trace/analysis/place-spans.js';
import { type SpanAnswer } from '../../../../lib/dashboard/reader/answers/traces.interface.js';
import { spanOf } from './span-of.js';

const selfTimeOfRoot = (...spans: SpanAnswer[]) =>
  selfTimeOf(placeSpans([spanOf('root', 0, 100), ...spans])[0]!);

describe('selfTimeOf()', () => {
  it('is the whole of a span without children', () => {
    expect(selfTimeOfRoot()).toBe(100);
  });

  it('takes away children that follow each other', () => {
    expect(
      selfTimeOfRoot(spanOf('a', 10, 30, { parent: 'root' }), spanOf('b', 40, 50, { parent: 'root' })),
    ).toBe(70);
  });

  it('takes away only once what children do at the same time', () => {
    expect(
      selfTimeOfRoot(
        spanOf('a', 10, 50, { parent: 'root' }),
        spanOf('within', 20, 30, { parent: 'root' }),
        spanOf('b', 40, 60, { parent: 'root' }),
      ),
    ).toBe(50);
  });

  it('leaves out what a child does before its parent starts or after it has ended', () => {
    expect(
      selfTimeOfRoot(
        spanOf('early', -20, 10, { parent: 'root' }),
        spanOf('async', 90, 500, { parent: 'root' }),
      ),
    ).toBe(80);
  });

  it('is nothing when children cover all, and never below', () => {
    expect(selfTimeOfRoot(spanOf('all', -10, 200, { parent: 'root' }))).toBe(0);
  });

  it('leaves grandchildren to their parent', () => {
    expect(
      selfTimeOfRoot(spanOf('a', 10, 20, { parent: 'root' }), spanOf('deep', 12, 90, { parent: 'a' })),
    ).toBe(90);
  });
});

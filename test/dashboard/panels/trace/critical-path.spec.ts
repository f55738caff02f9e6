import {
  findCriticalPath,
  mainRootOf,
  placeSpans,
} from '../../../../lib/dashboard/panels/trace/analysis/place-spans.js';
import { type SpanAnswer } from '../../../../lib/dashboard/reader/answers/traces.interface.js';
import { spanOf } from './span-of.js';

const pathOf = (...spans: SpanAnswer[]) =>
  findCriticalPath(mainRootOf(placeSpans(spans))!).map(({ span }) => span.name);

describe('findCriticalPath()', () => {
  it('goes through children that follow each other, in their order', () => {
    expect(
      pathOf(
        spanOf('root', 0, 100),
        spanOf('b', 50, 90, { parent: 'root' }),
        spanOf('a', 10, 40, { parent: 'root' }),
      ),
    ).toEqual(['root', 'a', 'b']);
  });

  it('takes of children at the same time the one that ends last', () => {
    expect(
      pathOf(
        spanOf('root', 0, 100),
        spanOf('short', 10, 30, { parent: 'root' }),
        spanOf('long', 10, 80, { parent: 'root' }),
      ),
    ).toEqual(['root', 'long']);
  });

  it('leaves out a child that was still running when the one after it started', () => {
    expect(
      pathOf(
        spanOf('root', 0, 100),
        spanOf('aside', 0, 60, { parent: 'root' }),
        spanOf('last', 50, 100, { parent: 'root' }),
        spanOf('first', 10, 45, { parent: 'root' }),
      ),
    ).toEqual(['root', 'first', 'last']);
  });

  it('goes down before it goes on', () => {
    expect(
      pathOf(
        spanOf('root', 0, 100),
        spanOf('a', 0, 40, { parent: 'root' }),
        spanOf('a1', 5, 20, { parent: 'a' }),
        spanOf('b', 50, 90, { parent: 'root' }),
        spanOf('b1', 60, 70, { parent: 'b' }),
      ),
    ).toEqual(['root', 'a', 'a1', 'b', 'b1']);
  });

  it('counts a child that outlives its parent up to the end of the parent', () => {
    expect(
      pathOf(
        spanOf('root', 0, 100),
        spanOf('before', 0, 50, { parent: 'root' }),
        spanOf('async', 60, 1_000, { parent: 'root' }),
      ),
    ).toEqual(['root', 'before', 'async']);
  });

  it('leaves out what only started after its parent had ended', () => {
    expect(pathOf(spanOf('root', 0, 100), spanOf('later', 200, 300, { parent: 'root' }))).toEqual(['root']);
  });

  it('is about the longest root', () => {
    expect(
      pathOf(spanOf('short', 0, 10), spanOf('long', 5, 100), spanOf('in', 6, 9, { parent: 'long' })),
    ).toEqual(['long', 'in']);
  });
});

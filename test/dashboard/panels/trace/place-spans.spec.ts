import {
  findCriticalPath,
  mainRootOf,
  type PlacedSpan,
  placeSpans,
  selfTimeOf,
  walk,
} from '../../../../lib/dashboard/panels/trace/analysis/place-spans.js';
import { describeOverrun, describeShift } from '../../../../lib/dashboard/panels/trace/view/clock-shift.js';
import { buildTree } from '../../../../lib/dashboard/panels/trace/view/trace-tree.js';
import { type SpanAnswer } from '../../../../lib/dashboard/reader/answers/traces.interface.js';
import { spanOf } from './span-of.js';
import { traceOf } from './trace-of.js';

const namesOf = (nodes: Iterable<PlacedSpan>) => [...nodes].map(({ span }) => span.name);

const find = (roots: readonly PlacedSpan[], name: string) =>
  roots.flatMap((root) => [...walk(root)]).find(({ span }) => span.name === name);

describe('placeSpans()', () => {
  it('puts children below their parents in the order in which they start', () => {
    const [root] = placeSpans([
      spanOf('late', 50, 60, { parent: 'root' }),
      spanOf('root', 0, 100),
      spanOf('early', 10, 20, { parent: 'root' }),
    ]);
    expect(namesOf(walk(root!))).toEqual(['root', 'early', 'late']);
  });

  it('takes a span whose parent is missing for a root', () => {
    const roots = placeSpans([spanOf('orphan', 5, 9, { parent: 'lost' }), spanOf('root', 0, 10)]);
    expect(namesOf(roots)).toEqual(['root', 'orphan']);
  });

  it('cuts a circle once, and loses no span', () => {
    const roots = placeSpans([
      spanOf('a', 0, 10, { parent: 'c' }),
      spanOf('b', 1, 9, { parent: 'a' }),
      spanOf('c', 2, 8, { parent: 'b' }),
      spanOf('self', 3, 4, { parent: 'self' }),
    ]);
    expect(roots.flatMap((root) => namesOf(walk(root))).sort()).toEqual(['a', 'b', 'c', 'self']);
  });

  it('loses no span when two have the same id', () => {
    const roots = placeSpans([
      spanOf('root', 0, 10),
      spanOf('one', 1, 2, { parent: 'root', spanId: 'x' }),
      spanOf('two', 3, 4, { parent: 'root', spanId: 'x' }),
    ]);
    expect(namesOf(walk(roots[0]!))).toEqual(['root', 'one', 'two']);
  });

  it('moves what another service did into the call, with everything below', () => {
    const roots = placeSpans([
      spanOf('call', 100, 200, { kind: 'client' }),
      spanOf('server', 5_000, 5_080, { parent: 'call', service: 'stock', kind: 'server' }),
      spanOf('query', 5_010, 5_020, { parent: 'server', service: 'stock' }),
    ]);
    expect(find(roots, 'server')).toMatchObject({ start: 110, end: 190 });
    expect(find(roots, 'query')).toMatchObject({ start: 120, end: 130 });
  });

  it('moves what another process of the same service did into the call', () => {
    const roots = placeSpans([
      spanOf('call', 100, 200, { kind: 'client' }),
      spanOf('server', 40, 120, { parent: 'call', kind: 'server' }),
    ]);
    expect(find(roots, 'server')).toMatchObject({ start: 110, end: 190 });
  });

  it('moves a message that seems to be worked on before it was sent, and leaves one that is worked on later', () => {
    const roots = placeSpans([
      spanOf('send', 100, 110, { kind: 'producer' }),
      spanOf('early', 40, 60, { parent: 'send', service: 'worker', kind: 'consumer' }),
      spanOf('late', 900, 950, { parent: 'send', service: 'worker', kind: 'consumer' }),
    ]);
    expect(find(roots, 'early')).toMatchObject({ start: 100, end: 120 });
    expect(find(roots, 'late')).toMatchObject({ start: 900, end: 950 });
  });

  it('leaves a clock alone that fits', () => {
    const roots = placeSpans([
      spanOf('call', 100, 200, { kind: 'client' }),
      spanOf('server', 101, 150, { parent: 'call', service: 'stock', kind: 'server' }),
    ]);
    expect(find(roots, 'server')).toMatchObject({ start: 101, end: 150 });
  });

  it('leaves a message where it is that is worked on long after it was sent', () => {
    const roots = placeSpans([
      spanOf('send', 0, 1, { kind: 'producer' }),
      spanOf('work', 500, 600, { parent: 'send', service: 'worker', kind: 'consumer' }),
    ]);
    expect(find(roots, 'work')).toMatchObject({ start: 500, end: 600 });
  });

  it('follows a chain of thousands of spans', () => {
    const chain = Array.from({ length: 5_000 }, (_, index) =>
      spanOf(`s${index}`, index, 10_000 - index, index === 0 ? {} : { parent: `s${index - 1}` }),
    );
    expect([...walk(placeSpans(chain)[0]!)]).toHaveLength(5_000);
  });
});

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

describe('a span beside its parent', () => {
  const tree = buildTree(
    traceOf([
      spanOf('call', 100, 200, { kind: 'client' }),
      spanOf('server', 40, 120, { parent: 'call', service: 'stock', kind: 'server' }),
      spanOf('query', 50, 60, { parent: 'server', service: 'stock' }),
      spanOf('receipt', 190, 260, { parent: 'call' }),
    ]),
  );
  const node = (id: string) => tree.bySpanId.get(id)!;

  it('says that it was moved where clocks differ, but not for what moved along with it', () => {
    expect(node('server').start).toBe(110);
    expect(describeShift(node('server'))).toMatch(/clock of stock.*drawn 70 ms later/);
    expect(describeShift(node('query'))).toBeUndefined();
    expect(describeShift(node('call'))).toBeUndefined();
  });

  it('says that it ended after its parent, and the trace is as long as it', () => {
    expect(describeOverrun(node('receipt'))).toMatch(/60(\.0)? ms after its parent/);
    expect(describeOverrun(node('server'))).toBeUndefined();
    expect(tree.durationMs).toBe(160);
  });

  it('never has a bar that begins before the trace or ends before it begins', () => {
    for (const { start, end } of tree.bySpanId.values()) {
      expect(start).toBeGreaterThanOrEqual(tree.start);
      expect(end).toBeGreaterThanOrEqual(start);
    }
  });
});

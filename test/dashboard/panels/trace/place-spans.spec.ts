import {
  type PlacedSpan,
  placeSpans,
  walk,
} from '../../../../lib/dashboard/panels/trace/analysis/place-spans.js';
import { spanOf } from './span-of.js';

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

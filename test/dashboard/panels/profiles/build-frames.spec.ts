import { type FlameFrame } from '../../../../lib/dashboard/panels/profiles/query.js';
import {
  buildFrames,
  type CpuTreeFrame,
  sumFunctions,
} from '../../../../lib/dashboard/panels/profiles/view/build-frames.js';

const frame = (
  name: string,
  parent: number | undefined,
  selfMs: number,
  origin: FlameFrame['origin'] = 'own',
): FlameFrame => ({
  name,
  origin,
  file: origin === 'native' ? undefined : `/app/${name}.js`,
  line: 1,
  column: 1,
  parent,
  selfMs,
});

/** `name self/total` of each frame, deeper ones indented. */
const draw = (frames: readonly CpuTreeFrame[]): string[] =>
  frames.flatMap(({ name, selfMs, totalMs, depth, children }) => [
    `${'  '.repeat(depth)}${name} ${selfMs}/${totalMs}`,
    ...draw(children),
  ]);

const FRAMES = [
  frame('tick', undefined, 1, 'node'),
  frame('express', 0, 2, 'library'),
  frame('find', 1, 10),
  frame('query', 2, 3, 'library'),
  frame('write', 3, 4, 'native'),
  frame('map', 4, 5),
  frame('(garbage collector)', undefined, 7, 'native'),
];

describe('the frames of a CPU profile', () => {
  it('stand below their callers, with the time of all below', () => {
    expect(draw(buildFrames(FRAMES, false))).toEqual([
      'tick 1/25',
      '  express 2/24',
      '    find 10/22',
      '      query 3/12',
      '        write 4/9',
      '          map 5/5',
      '(garbage collector) 7/7',
    ]);
  });

  it('of libraries that follow each other are one', () => {
    expect(draw(buildFrames(FRAMES, true))).toEqual([
      'libraries 3/25',
      '  find 10/22',
      '    libraries 7/12',
      '      map 5/5',
      '(garbage collector) 7/7',
    ]);
  });

  it('that a function of the application calls its own name libraries are not folded into it', () => {
    const own = [frame('libraries', undefined, 1), frame('query', 0, 2, 'library')];
    expect(draw(buildFrames(own, true))).toEqual(['libraries 1/3', '  libraries 2/2']);
  });

  it('are named by their file and line, in the source where that is known', () => {
    const [one, two, three] = buildFrames(
      [
        { ...frame('a', undefined, 3), file: 'file:///app/dist/a.js', line: 4 },
        { ...frame('b', undefined, 2), source: { file: '/app/src/b.ts', line: 9 } },
        frame('c', undefined, 1, 'native'),
      ],
      false,
    );
    expect([one!.place, two!.place, three!.place]).toEqual(['a.js:4', 'b.ts:9', undefined]);
  });

  it('add up by function, where calls of itself count once', () => {
    const again = [
      frame('walk', undefined, 1),
      frame('walk', 0, 2),
      frame('walk', 1, 4),
      frame('leaf', 2, 8),
    ];
    expect(
      sumFunctions(buildFrames(again, false)).map(({ name, selfMs, totalMs }) => [name, selfMs, totalMs]),
    ).toEqual([
      ['leaf', 8, 8],
      ['walk', 7, 15],
    ]);
    expect(sumFunctions([])).toEqual([]);
  });

  it('survive a frame whose caller is not there, and names from outside', () => {
    const odd = [frame('__proto__', 99, 1), frame('<img src=x onerror=alert(1)>', undefined, 2)];
    expect(draw(buildFrames(odd, false))).toEqual(['<img src=x onerror=alert(1)> 2/2', '__proto__ 1/1']);
  });
});

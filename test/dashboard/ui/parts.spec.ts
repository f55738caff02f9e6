import { type JsonAttributes } from '../../../lib/dashboard/reader/answers/answer-parts.interface.js';
import { chooseColour, COLOURS } from '../../../lib/dashboard/ui/parts/choose-colour.js';
import { fieldsBeyondMessage } from '../../../lib/dashboard/ui/parts/fields-beyond-message.js';
import {
  addNewer,
  addOlder,
  freezePages,
  type Held,
  holdFirst,
  holdNothing,
  type Order,
} from '../../../lib/dashboard/ui/parts/held-pages.js';
import { attributesOfSource, sourceOf } from '../../../lib/dashboard/ui/parts/source-link.js';
import { failedSpans, statusOf, toneOf } from '../../../lib/dashboard/ui/parts/trace-outcome.js';

interface Line {
  readonly id: number;
  readonly text?: string;
}

const ORDER: Order<Line> = { idOf: ({ id }) => id, ageOf: ({ id }) => id, most: 6 };

const lines = (...ids: number[]): Line[] => ids.map((id) => ({ id }));

const idsOf = ({ items }: Held<Line>): number[] => items.map(({ id }) => id);

const held = holdFirst(holdNothing<Line>('all'), 'all', { items: lines(5, 4, 3), next: '3' }, ORDER);

describe('a list that grows at both ends', () => {
  it('puts what is new at the top, newest first, and counts it', () => {
    const grown = addNewer(held, lines(6, 7), ORDER);
    expect(idsOf(grown)).toEqual([7, 6, 5, 4, 3]);
    expect(grown.grown).toBe(2);
  });

  it('orders what comes late by its time, and lines of one time by their id', () => {
    interface Timed extends Line {
      readonly time: number;
    }
    const byTime: Order<Timed> = { idOf: ({ id }) => id, ageOf: ({ time }) => time, most: 6 };
    const first = { items: [{ id: 1, time: 20 }], next: undefined };
    const logs = holdFirst(holdNothing<Timed>('all'), 'all', first, byTime);
    const late = [
      { id: 2, time: 10 },
      { id: 3, time: 20 },
    ];
    expect(addNewer(logs, late, byTime).items.map(({ id }) => id)).toEqual([3, 1, 2]);
  });

  it('takes the newer word about what it holds', () => {
    const told = addNewer(held, [{ id: 4, text: 'grown' }], ORDER);
    expect(told.items[1]).toEqual({ id: 4, text: 'grown' });
    expect(told.grown).toBe(0);
  });

  it('keeps so many and no more', () => {
    expect(idsOf(addNewer(held, lines(6, 7, 8, 9), ORDER))).toEqual([9, 8, 7, 6, 5, 4]);
  });

  it('adds the next page below, without what it has already', () => {
    const older = addOlder(held, { items: lines(3, 2, 1), next: undefined }, ORDER);
    expect(idsOf(older)).toEqual([5, 4, 3, 2, 1]);
    expect(older.next).toBeUndefined();
  });

  it('is in the order of time where pages are not: lines found by words come as they were written', () => {
    const byTime = { ...ORDER, ageOf: ({ text }: Line) => Number(text) };
    const page = (...times: number[]) => times.map((time) => ({ id: time, text: String(time) }));
    const first = holdFirst(holdNothing<Line>('all'), 'all', { items: page(3, 5, 4), next: '4' }, byTime);
    expect(idsOf(first)).toEqual([5, 4, 3]);
    expect(idsOf(addOlder(first, { items: page(1, 2), next: undefined }, byTime))).toEqual([5, 4, 3, 2, 1]);
  });

  it('stands still: rows stay in place, with the latest of each, and new ones are counted', () => {
    const later = addOlder(
      addNewer(held, [...lines(8, 7), { id: 4, text: 'grown' }], ORDER),
      { items: lines(2), next: undefined },
      ORDER,
    );
    const still = freezePages(later, held, ORDER);
    expect(still.items.map(({ id }) => id)).toEqual([5, 4, 3, 2]);
    expect(still.items[1]).toEqual({ id: 4, text: 'grown' });
    expect(still.fresh).toBe(2);
  });

  it('stands still, too, where a row has become older in the meantime', () => {
    const byTime = { ...ORDER, ageOf: ({ id, text }: Line) => Number(text ?? id) };
    const moved = addNewer(held, [{ id: 5, text: '3.5' }], byTime);
    expect(idsOf(moved)).toEqual([4, 5, 3]);
    expect(freezePages(moved, held, byTime).items.map(({ id }) => id)).toEqual([5, 4, 3]);
  });

  it('starts again when something else is requested', () => {
    const other = holdFirst(
      addNewer(held, lines(6), ORDER),
      'errors',
      { items: lines(2), next: undefined },
      ORDER,
    );
    expect(other).toEqual({ key: 'errors', items: lines(2), next: undefined, grown: 0 });
  });

  it('leaves no hole where more came in than a page holds', () => {
    const meets = holdFirst(held, 'all', { items: lines(7, 6, 5), next: '5' }, ORDER);
    expect(idsOf(meets)).toEqual([7, 6, 5, 4, 3]);
    const misses = holdFirst(held, 'all', { items: lines(30, 29, 28), next: '28' }, ORDER);
    expect(idsOf(misses)).toEqual([30, 29, 28]);
    expect(misses.next).toBe('28');
  });
});

const keysOf = (
  message: string,
  attributes: JsonAttributes,
  elsewhere?: readonly string[],
): readonly string[] => fieldsBeyondMessage({ message, attributes }, elsewhere).map(([key]) => key);

describe('the fields behind the message of a log line', () => {
  it('are not those that a request line says already', () => {
    const fields = {
      method: 'GET',
      route: '/orders/:id',
      handler: 'OrdersController.find',
      path: '/orders/7',
      status: 200,
      duration_ms: 12.34,
      user_id: 'grace',
    };
    expect(keysOf('GET /orders/:id 200 12ms', fields)).toEqual(['handler', 'path', 'user_id']);
  });

  it('are shown where the message only happens to contain the text of their value', () => {
    expect(keysOf('Processed 10 orders', { attempt: 1, count: 10 })).toEqual(['attempt']);
    expect(keysOf('Retrying', { in: 'Retry', why: 'Retrying' })).toEqual(['in']);
    expect(keysOf('took 100ms', { exact: 10, rounded: 99.7 })).toEqual(['exact']);
  });

  it('leave out the stack, empty texts, and what has a column', () => {
    const fields = { 'exception.stacktrace': 'Error: …', empty: '', shard: 3, tenant: 'a' };
    expect(keysOf('Tick', fields, ['shard'])).toEqual(['tenant']);
  });

  it('are texts of at most 80 characters', () => {
    const fields = fieldsBeyondMessage({
      message: 'Done',
      attributes: { long: 'x'.repeat(500), list: [1, 2], nothing: null },
    });
    expect(fields).toEqual([
      ['long', 'x'.repeat(80)],
      ['list', '[1,2]'],
      ['nothing', 'null'],
    ]);
  });
});

function colourAll(services: readonly string[]): ReadonlyMap<string, number> {
  const given = new Map<string, number>();
  for (const service of services) given.set(service, chooseColour(service, given));
  return given;
}

describe('the colour of a service', () => {
  const services = Array.from({ length: COLOURS }, (_, index) => `service_${index}`);

  it('is decided by its name, whichever view meets it first', () => {
    const there = colourAll(['gateway', 'orchestrator', 'worker']);
    const back = colourAll(['worker', 'orchestrator', 'gateway']);
    expect(Object.fromEntries(back)).toEqual(Object.fromEntries(there));
    expect(new Set(there.values()).size).toBe(3);
  });

  it('is no other service’s as long as there are enough', () => {
    expect(new Set(colourAll(services).values()).size).toBe(COLOURS);
  });

  it('is shared evenly when there are more services than colours', () => {
    const uses = Map.groupBy(
      colourAll([...services, ...services.map((name) => `${name}_b`)]),
      ([, colour]) => colour,
    );
    expect([...uses.values()].map((each) => each.length)).toEqual(new Array(COLOURS).fill(2));
  });
});

const at = (file: string, line = 12) => ({ 'code.file.path': file, 'code.line.number': line });

describe('a link to the source of a span', () => {
  it('opens the file at its line in the editor of the application', () => {
    expect(sourceOf(at('/srv/my app/a.ts'))?.href).toBe('vscode://file/srv/my%20app/a.ts:12');
    expect(sourceOf(at('C:\\app\\a.ts'))?.href).toBe('vscode://file/C:/app/a.ts:12');
    expect(sourceOf(at('/a&b#c.ts'), 'webstorm://open?file={file}&line={line}')?.href).toBe(
      'webstorm://open?file=/a%26b%23c.ts&line=12',
    );
  });

  it('is the same for a place that the API names', () => {
    const source = { file: '/srv/app/a.ts', line: 7 };
    expect(sourceOf(attributesOfSource(source))?.href).toBe('vscode://file/srv/app/a.ts:7');
    expect(sourceOf(attributesOfSource(undefined))).toBeUndefined();
  });

  it('reads the names of older semantic conventions', () => {
    expect(sourceOf({ 'code.filepath': '/a.ts', 'code.lineno': 3 })?.href).toBe('vscode://file/a.ts:3');
  });

  it.each(['javascript:alert(1)', 'a.ts', 'https://evil.example/a.ts', ''])('is none for %p', (file) => {
    expect(sourceOf(at(file))?.href).toBeUndefined();
  });

  it('is none where the application wants none, or names an address that is a script', () => {
    expect(sourceOf(at('/a.ts'), null)?.href).toBeUndefined();
    expect(sourceOf(at('/a.ts'), 'javascript:{file}')?.href).toBeUndefined();
    expect(sourceOf({})).toBeUndefined();
  });
});

const outcome = (status: string | undefined, errorCount = 0, spanCount = 5) => ({
  status,
  errorCount,
  spanCount,
});

describe('how a trace ended', () => {
  it('is what the root says, though a span below it failed', () => {
    expect(toneOf(outcome('200', 2))).toBe('good');
    expect(toneOf(outcome('304'))).toBe('good');
    expect(failedSpans(outcome('200', 2))).toBe('2 spans failed');
  });

  it('is a failure of ours from 500 on, of RPC, and where there is a type of error', () => {
    for (const status of ['500', '503', 'DEADLINE_EXCEEDED', '14', 'TypeError']) {
      expect(toneOf(outcome(status, 1))).toBe('bad');
    }
    expect(toneOf(outcome('OK'))).toBe('good');
    expect(toneOf(outcome('0'))).toBe('good');
  });

  it('is a warning where the one who asked was wrong', () => {
    expect(toneOf(outcome('404'))).toBe('warn');
  });

  it('is not known where the root is silent and something failed below it', () => {
    expect(statusOf(outcome(undefined))).toBe('ok');
    expect(statusOf(outcome(undefined, 1))).toBe('–');
    expect(toneOf(outcome(undefined, 1))).toBe('good');
    expect(statusOf(outcome(undefined, 1, 1))).toBe('error');
    expect(toneOf(outcome(undefined, 1, 1))).toBe('bad');
  });
});

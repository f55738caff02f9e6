import { type Selection } from '../../reader/telemetry-reader.interface.js';
import { type Database } from '../database/database.js';
import { findRouteIds } from './find-route-ids.js';
import { chooseService } from './find-service.js';
import { type Steps, Turn } from '../../steps.js';

/** Traces that are looked at on each side; more would not change the shares much. */
const SAMPLE = 200;

/** How far the entries of a route have been looked at; in microseconds. */
interface Position {
  readonly start: number;
  readonly id: number;
}

interface EntryRow extends Position {
  readonly duration: number;
  readonly trace: number;
}

const ENTRIES = `SELECT id, start, duration, trace FROM spans INDEXED BY spans_by_route
  WHERE route = ? AND (start, id) > (?, ?) AND start < ? ORDER BY start, id`;

/** Some of many, each as likely as any other. */
class Sample {
  readonly traces = new Set<number>();
  private readonly chosen: number[] = [];
  private seen = 0;

  offer(trace: number): void {
    if (this.traces.has(trace)) return;
    this.seen += 1;
    const place = this.seen <= SAMPLE ? this.chosen.length : Math.floor(Math.random() * this.seen);
    if (place >= SAMPLE) return;
    const former = this.chosen[place];
    if (former !== undefined) this.traces.delete(former);
    this.chosen[place] = trace;
    this.traces.add(trace);
  }
}

/** Traces by their numbers; none is on both sides. */
export interface EntrySample {
  readonly selected: readonly number[];
  readonly others: readonly number[];
}

/** Some of the traces that entered in the region, and some of the others that entered by the same routes in it and around it. */
export function* sampleEntries(database: Database, selection: Selection): Steps<EntrySample> {
  const { route, from, to, minMs, maxMs } = selection;
  const selected = new Sample();
  const others = new Sample();
  const service = chooseService(database, selection.service);
  const routes = service === undefined ? [] : findRouteIds(database, service.id, route, undefined);
  const [min, max] = [(minMs ?? 0) * 1_000, (maxMs ?? Infinity) * 1_000];
  const [begin, end] = [from * 1_000, to * 1_000];
  const around = end - begin;
  const turn = new Turn();
  /** Goes on until the turn is over, and says where that was; undefined at the end. */
  const look = (routeId: number, position: Position): Position | undefined => {
    for (const row of database.iterate<EntryRow>(
      ENTRIES,
      routeId,
      position.start,
      position.id,
      end + around,
    )) {
      const { start, duration, trace } = row;
      const isSelected = start >= begin && start < end && duration >= min && duration <= max;
      (isSelected ? selected : others).offer(trace);
      if (turn.isOver()) return row;
    }
    return undefined;
  };
  for (const routeId of routes) {
    let position = look(routeId, { start: begin - around, id: -1 });
    while (position !== undefined) {
      yield* turn.pass();
      position = look(routeId, position);
    }
  }
  selected.traces.forEach((trace) => others.traces.delete(trace));
  return { selected: [...selected.traces], others: [...others.traces] };
}

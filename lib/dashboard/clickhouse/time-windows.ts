import { type QueryOptions, type TimeRange } from '../reader/telemetry-reader.interface.js';
import { type ClickHouse } from './clickhouse.js';

/** The first window is so long, and each further one `GROWTH` times as long. Microseconds. */
const FIRST = 15 * 60 * 1_000_000;
const GROWTH = 4;

/** A stretch of time, in microseconds; the end is not part of it. */
export interface Window {
  readonly from: number;
  readonly to: number;
}

/** Windows of time from the newest to the oldest. */
export class TimeWindows {
  private to: number;
  private width = FIRST;

  /** @param before nothing that began after it; microseconds */
  constructor(
    private readonly extent: Window,
    before = Infinity,
  ) {
    this.to = Math.min(extent.to, before + 1);
  }

  get isOver(): boolean {
    return this.to <= this.extent.from;
  }

  get current(): Window {
    return { from: Math.max(this.extent.from, this.to - this.width), to: this.to };
  }

  /** The current one and all before it. */
  get all(): Window {
    return { from: this.extent.from, to: this.to };
  }

  goBack(): void {
    this.to = this.current.from;
    this.width *= GROWTH;
  }
}

/** From the oldest to the newest row within a range: ClickHouse knows both without reading rows. Empty where there is none. */
export async function readExtent(
  clickHouse: ClickHouse,
  table: 'traces' | 'logs',
  { from = -Infinity, to = Infinity }: Partial<TimeRange>,
  options: QueryOptions,
): Promise<Window> {
  const [row] = await clickHouse.rows<{ first: number; last: number; rows: number }>(
    () => `SELECT toUnixTimestamp64Micro(min(Timestamp)) AS first, toUnixTimestamp64Micro(max(Timestamp)) AS last, count() AS rows
      FROM ${clickHouse.tables[table]}`,
    options,
  );
  if (row === undefined || row.rows === 0) return { from: 0, to: 0 };
  return {
    from: Math.max(row.first, Math.ceil(from * 1_000)),
    to: Math.min(row.last + 1, Math.ceil(to * 1_000)),
  };
}

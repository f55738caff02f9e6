/** Values of the parameters of a query, by name. */
export type QueryParameters = Readonly<Record<string, unknown>>;

/** Instants that fit a `DateTime64(9)`, in milliseconds. */
const MAX_INSTANT = 9.2e12;

/**
 * Collects the values of one query. The text of the query has only their places, `{p0:String}`: ClickHouse reads each value as one of its
 * type, whatever characters are in it.
 */
export class Bindings {
  private readonly values: unknown[] = [];

  text(value: string): string {
    return this.add(value, 'String');
  }

  texts(values: readonly string[]): string {
    return this.add([...values], 'Array(String)');
  }

  number(value: number): string {
    return this.add(value, 'Float64');
  }

  /** @param value a whole number */
  integer(value: number): string {
    return this.add(Math.trunc(value), 'Int64');
  }

  large(value: bigint): string {
    return this.add(value, 'Int64');
  }

  /** @param ms milliseconds since the epoch, to the microsecond */
  instant(ms: number): string {
    const nanoseconds = BigInt(Math.round(clamp(ms) * 1_000)) * 1_000n;
    return `fromUnixTimestamp64Nano(${this.add(nanoseconds, 'Int64')})`;
  }

  /** A point in time of a column without fractions of a second. @param ms milliseconds since the epoch */
  second(ms: number): string {
    return `toDateTime(${this.add(Math.ceil(clamp(ms) / 1_000), 'UInt32')})`;
  }

  get parameters(): QueryParameters {
    return Object.fromEntries(this.values.map((value, index) => [`p${index}`, value]));
  }

  private add(value: unknown, type: string): string {
    this.values.push(value);
    return `{p${this.values.length - 1}:${type}}`;
  }
}

function clamp(ms: number): number {
  return Math.min(Math.max(0, ms), MAX_INSTANT);
}

/** Conditions that must all hold. */
export function allOf(conditions: readonly string[]): string {
  return conditions.length === 0 ? '1' : conditions.map((condition) => `(${condition})`).join(' AND ');
}

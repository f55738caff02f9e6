/**
 * Counts by number of bucket as few bytes: how far the next bucket is, how many are in it, each in groups of seven bits. What is no count
 * is left out.
 */
export function encodeCounts(counts: ReadonlyMap<number, number>): Uint8Array {
  const sorted = [...counts].sort(([a], [b]) => a - b);
  const bytes: number[] = [];
  let previous = 0;
  for (const [bucket, count] of sorted) {
    if (!isCount(bucket) || !isCount(count)) continue;
    pushVarint(bytes, bucket - previous);
    pushVarint(bytes, count);
    previous = bucket;
  }
  return Uint8Array.from(bytes);
}

/** Calls `take` for each bucket that the bytes name; bytes that are damaged end it. */
export function readCounts(bytes: Uint8Array, take: (bucket: number, count: number) => void): void {
  let position = 0;
  const next = (): number => {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = bytes[position] ?? 0;
      position += 1;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
  };
  let bucket = 0;
  while (position < bytes.length) {
    bucket += next();
    const count = next();
    if (!isCount(bucket) || !isCount(count)) return;
    take(bucket, count);
  }
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function pushVarint(bytes: number[], given: number): void {
  let value = given;
  // Not by shifts: a count may need more than 32 bits.
  while (value >= 0x80) {
    bytes.push((value % 0x80) + 0x80);
    value = Math.floor(value / 0x80);
  }
  bytes.push(value);
}

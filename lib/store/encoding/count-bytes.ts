/** Counts by number of bucket as few bytes: how far the next bucket is, how many are in it, each in groups of seven bits. */
export function encodeCounts(counts: ReadonlyMap<number, number>): Uint8Array {
  const sorted = [...counts].sort(([a], [b]) => a - b);
  const bytes: number[] = [];
  let previous = 0;
  for (const [bucket, count] of sorted) {
    pushVarint(bytes, bucket - previous);
    pushVarint(bytes, count);
    previous = bucket;
  }
  return Uint8Array.from(bytes);
}

/** Tells `take` of each bucket that the bytes name. */
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
    take(bucket, next());
  }
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

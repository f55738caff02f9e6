/** The bytes of an id in hexadecimal. */
export function bytesOf(hex: string): Uint8Array {
  return Buffer.from(hex, 'hex');
}

/** An id in lower-case hexadecimal. */
export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/** The 32 bits that eight hexadecimal digits from `start` say, signed. */
export function wordAt(hex: string, start: number): number {
  return Number.parseInt(hex.slice(start, start + 8), 16) | 0;
}

/** A number that nearly tells traces apart: their last 48 bits. The first ones are a time in some systems. */
export function traceKeyOf(traceId: string): number {
  return Number.parseInt(traceId.slice(20), 16);
}

/** Eight bytes that are written over for each id: SQLite copies what it is given. */
export class IdBytes {
  readonly bytes = new Uint8Array(8);
  private readonly view = new DataView(this.bytes.buffer);

  of(high: number, low: number): Uint8Array {
    this.view.setInt32(0, high);
    this.view.setInt32(4, low);
    return this.bytes;
  }
}

import { type Database } from '../database/database.js';

/** The bytes of an id in hexadecimal. */
export function bytesOf(hex: string): Uint8Array {
  return Buffer.from(hex, 'hex');
}

/** An id in lower-case hexadecimal. */
export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/** A number that is nearly unique to a trace: their last 48 bits. The first ones are a time in some systems. */
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

/** The number by which spans and exemplars name a trace; undefined when it is not in the store. */
export function findTraceNumber(database: Database, traceId: string): number | undefined {
  const sql = 'SELECT id FROM traces WHERE key = ? AND trace_id = ?';
  return database.get<{ id: number }>(sql, traceKeyOf(traceId), bytesOf(traceId))?.id;
}

import { bytesOf, traceKeyOf } from '../encoding/ids.js';
import { type Database } from './database.js';

/** The number by which spans and exemplars name a trace; undefined when it is not in the store. */
export function findTraceNumber(database: Database, traceId: string): number | undefined {
  return database.get<{ id: number }>(
    'SELECT id FROM traces WHERE key = ? AND trace_id = ?',
    traceKeyOf(traceId),
    bytesOf(traceId),
  )?.id;
}

import { processWide } from '../process/process-wide.js';

/** What takes the place of chance and of time while a test wants to know ids and instants beforehand. */
interface FixedSource {
  /** How many ids there were; undefined: ids are random. */
  ids: { traces: number; spans: number } | undefined;
  /** Undefined: spans follow the clock of the machine. */
  time: FixedTime | undefined;
}

/** A clock that stands still until it is moved. */
export interface FixedTime {
  /** Milliseconds since the epoch. */
  epochMs: number;
}

const source = processWide<FixedSource>('fixed-source', () => ({ ids: undefined, time: undefined }));

export function fixedSource(): FixedSource {
  return source;
}

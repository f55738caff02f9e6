import { type Database } from '../database/database.js';

/** How often it is written down that somebody reads. */
const NOTE_MS = 5_000;
/** Whoever has not read for that long does so no more. */
const READING_MS = 15_000;

interface Listener {
  readonly everyMs: number;
  readonly tell: () => void;
  toldAt: number;
}

/** Whether anybody reads what is stored, in whichever of the processes that share the file; and who wants to know. */
export class Readership {
  private readonly listeners = new Set<Listener>();
  private notedAt = 0;

  /**
   * Somebody reads.
   *
   * @throws SQLite's error
   */
  note(database: Database, now: number): void {
    if (now - this.notedAt < NOTE_MS) return;
    database.run('UPDATE counters SET read_at = ?', now);
    this.notedAt = now;
  }

  /** Calls `tell` while somebody reads; returns what ends that. */
  listen(everyMs: number, tell: () => void): () => void {
    const listener: Listener = { everyMs, tell, toldAt: 0 };
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  }

  /**
   * Tells those whose turn it is.
   *
   * @throws SQLite's error
   */
  look(database: Database, now: number): void {
    const due = [...this.listeners].filter(({ toldAt, everyMs }) => now - toldAt >= everyMs);
    if (due.length === 0) return;
    const { readAt } = database.one<{ readAt: number }>('SELECT read_at AS readAt FROM counters');
    if (now - readAt >= READING_MS) return;
    for (const listener of due) {
      listener.toldAt = now;
      listener.tell();
    }
  }

  /** The database is another one. */
  restart(): void {
    this.notedAt = 0;
  }
}

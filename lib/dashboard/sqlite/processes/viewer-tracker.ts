import { type Database } from '../database/database.js';

/** How often a view is noted in the file. */
const NOTE_MS = 5_000;
/** A view lasts so long; the page asks again before. */
const VIEWING_MS = 15_000;

interface Listener {
  readonly everyMs: number;
  readonly call: () => void;
  calledAt: number;
}

/** Tracks whether the stored telemetry is viewed, in any of the processes that share the file. */
export class ViewerTracker {
  private readonly listeners = new Set<Listener>();
  private notedAt = 0;

  /** Notes a view. @throws SQLite's error */
  mark(database: Database, now: number): void {
    if (now - this.notedAt < NOTE_MS) return;
    database.run('UPDATE counters SET read_at = ?', now);
    this.notedAt = now;
  }

  /** Calls `call` every `everyMs` milliseconds while there are viewers. Returns a function that ends it. */
  subscribe(everyMs: number, call: () => void): () => void {
    const listener: Listener = { everyMs, call, calledAt: 0 };
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  }

  /** Calls the listeners that are due, if there are viewers. @throws SQLite's error */
  poll(database: Database, now: number): void {
    const due = [...this.listeners].filter(({ calledAt, everyMs }) => now - calledAt >= everyMs);
    if (due.length === 0) return;
    const { readAt } = database.one<{ readAt: number }>('SELECT read_at AS readAt FROM counters');
    if (now - readAt >= VIEWING_MS) return;
    for (const listener of due) {
      listener.calledAt = now;
      listener.call();
    }
  }

  /** Forgets what was noted: the database is another one. */
  restart(): void {
    this.notedAt = 0;
  }
}

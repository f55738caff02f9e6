import { type Database } from '../database/database.js';
import { type Tally } from '../database/row-counts.js';
import { bytesOf, traceKeyOf } from '../encoding/ids.js';
import { ERROR_LEVEL, type StoredLog } from '../rows.interface.js';
import { WordWriter } from '../words/word-writer.js';
import { type Dictionaries } from './dictionaries.js';

const INSERT_LOG = `INSERT INTO logs (time, level, service, context, trace_id, trace_key, span_id, message, attributes, loose)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

/** Writes log lines and the words they are found by; to be used within one transaction. */
export class LogWriter {
  constructor(
    private readonly database: Database,
    private readonly dictionaries: Dictionaries,
  ) {}

  write(logs: readonly StoredLog[], tally: Tally, now: number): void {
    const words = this.database.hasWords ? new WordWriter(this.database) : undefined;
    for (const log of logs) {
      const id = this.writeLog(log, now);
      words?.add(id, log);
    }
    words?.write();
    tally.addLogs(logs.length);
  }

  /** Returns the number of the line. */
  private writeLog(log: StoredLog, now: number): number {
    const { service } = this.dictionaries.resource(log.resource, now);
    const { lastInsertRowid } = this.database
      .prepare(INSERT_LOG)
      .run(
        log.time,
        log.level,
        service,
        log.context ?? null,
        log.traceId === undefined ? null : bytesOf(log.traceId),
        log.traceId === undefined ? null : traceKeyOf(log.traceId),
        log.spanId === undefined ? null : bytesOf(log.spanId),
        log.message,
        log.attributes ?? null,
        Number(log.traceId === undefined && log.level < ERROR_LEVEL),
      );
    return Number(lastInsertRowid);
  }
}

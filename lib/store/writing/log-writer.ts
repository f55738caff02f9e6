import { type Database } from '../database/database.js';
import { bytesOf, traceKeyOf } from '../encoding/ids.js';
import { type StoredLog } from '../rows.interface.js';
import { type Dictionaries } from './dictionaries.js';
import { type Tally } from './tally.js';

/** Of fields and stacks the beginning is enough to find a line by. */
const MAX_SEARCHED_FIELDS = 1_000;

const INSERT_LOG = `INSERT INTO logs (time, level, service, context, trace_id, trace_key, span_id, message, attributes)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`;

/** Writes log lines and the words they are found by; to be used within one transaction. */
export class LogWriter {
  constructor(
    private readonly database: Database,
    private readonly dictionaries: Dictionaries,
  ) {}

  write(logs: readonly StoredLog[], tally: Tally, now: number): void {
    for (const log of logs) this.writeLog(log, now);
    tally.addLogs(logs.length);
  }

  private writeLog(log: StoredLog, now: number): void {
    const { service } = this.dictionaries.resource(log.resource, now);
    const { context, attributes } = log;
    const { database } = this;
    const { lastInsertRowid } = database
      .prepare(INSERT_LOG)
      .run(
        log.time,
        log.level,
        service,
        context ?? null,
        log.traceId === undefined ? null : bytesOf(log.traceId),
        log.traceId === undefined ? null : traceKeyOf(log.traceId),
        log.spanId === undefined ? null : bytesOf(log.spanId),
        log.message,
        attributes ?? null,
      );
    if (!database.hasWords) return;
    const fields = attributes === undefined ? '' : ` ${attributes.slice(0, MAX_SEARCHED_FIELDS)}`;
    const body = `${log.message}${context === undefined ? '' : ` ${context}`}${fields}`;
    database.prepare('INSERT INTO logs_text (rowid, body) VALUES (?, ?)').run(lastInsertRowid, body);
  }
}

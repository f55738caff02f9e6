import { type Database } from '../database/database.js';
import { changeRows, type Tally } from '../database/row-counts.js';
import { bytesOf, traceKeyOf } from '../encoding/ids.js';
import { FtsWriter } from '../full-text.js';
import { ERROR_LEVEL, type StoredLog, type StoredPoint, type StoredSpan } from '../rows.interface.js';
import { Dictionaries } from './dictionaries.js';
import { ErrorSums } from './error-sums.js';
import { FailedWork } from './failed-work.js';
import { ErrorFinder } from './find-errors.js';
import {
  ExemplarWriter,
  MinutePoints,
  type PlacedPoint,
  PointWriter,
  SeriesDictionary,
  type WaitingExemplar,
} from './metric-writer.js';
import { OperationSums } from './operation-sums.js';
import { type ProcessHealth } from './process-health.js';
import { ProcessRows } from './process-rows.js';
import { type Rollup, Rollups } from './rollups.js';
import { SpanWriter, type WrittenSpans } from './span-writer.js';
import { TraceParts } from './trace-parts.js';
import { VersionSums } from './version-sums.js';

/** How long the sums of thousands of routes block the event loop in one step, and so failed spans of large traces. */
const SUMS_MS = 5;
/** How long a sum that no chart shows waits in memory: writing one costs many times what adding to it does. */
const SELDOM_MS = 30_000;

/** Which sums to write. */
export type SumsToWrite =
  | 'due' // Those of charts, and others that have waited for long.
  | 'waiting' // What was added up so far.
  | 'all'; // Also what is not complete yet, because nothing will follow.

/** Rows of one change. */
export interface Batch {
  readonly spans: StoredSpan[];
  readonly logs: StoredLog[];
  readonly points: StoredPoint[];
}

/** Everything that writes rows to one database, and what is added up on the way. Lives as long as that database. */
export class WriteSession {
  readonly dictionaries: Dictionaries;
  private readonly series: SeriesDictionary;
  private readonly spans: SpanWriter;
  private readonly logs: LogWriter;
  private readonly points: PointWriter;
  private readonly exemplars: ExemplarWriter;
  private readonly rollups = new Rollups();
  private readonly versions = new VersionSums();
  private readonly operations = new OperationSums();
  private readonly traceParts = new TraceParts(this.operations);
  private readonly minutes = new MinutePoints();
  private readonly processes = new ProcessRows();
  private readonly failedWork = new FailedWork((entry) => {
    this.rollups.add(entry);
  });
  private readonly errors = new ErrorSums();
  private readonly errorFinder = new ErrorFinder(this.errors);

  /** @param health outlives the database */
  constructor(
    private readonly database: Database,
    private readonly health: ProcessHealth,
  ) {
    this.dictionaries = new Dictionaries(database);
    this.series = new SeriesDictionary(database, this.dictionaries);
    this.spans = new SpanWriter(database, this.dictionaries);
    this.logs = new LogWriter(database, this.dictionaries);
    this.points = new PointWriter(database, this.series);
    this.exemplars = new ExemplarWriter(database);
  }

  /**
   * Writes, in one change, the batches that `next` gives until it has no more.
   *
   * @throws SQLite's error; then nothing of it is written
   */
  write(next: () => Batch | undefined, dropped: number, now: number): void {
    const written: WrittenSpans = { entries: [], spans: [] };
    const placed: PlacedPoint[] = [];
    const lines: StoredLog[] = [];
    this.change(dropped, (tally) => {
      for (let batch = next(); batch !== undefined; batch = next()) {
        if (batch.spans.length > 0) this.spans.write(batch.spans, tally, written, now);
        if (batch.logs.length > 0) this.logs.write(batch.logs, tally, now);
        for (const log of batch.logs) if (log.level >= ERROR_LEVEL) lines.push(log);
        if (batch.points.length > 0) this.points.write(batch.points, placed, tally, now);
      }
    });
    // Only what is there for good adds up: a change that is taken back is made again.
    for (const entry of written.entries) {
      this.rollups.add(entry);
      this.versions.add(entry);
    }
    this.failedWork.take(written.spans, now);
    this.traceParts.take(written.spans);
    for (const { span } of written.spans) this.errorFinder.takeSpan(span, now);
    for (const line of lines) this.errorFinder.takeLog(line, now);
    for (const point of placed) {
      this.minutes.add(point);
      this.exemplars.take(point);
      this.processes.take(point.point, now);
      this.health.take(point.point);
    }
  }

  /** Whether there are sums that the last `writeSums()` had no time for. */
  hasSums(which: SumsToWrite): boolean {
    return this.rollups.isDirty || this.failedWork.isUnfinished || this.hasSeldomSums(sinceWhen(which));
  }

  private hasSeldomSums(since: number): boolean {
    return [this.versions, this.errors, this.operations, this.health].some((sums) => sums.isDirty(since));
  }

  /**
   * Writes what was added up since the last time, and the exemplars whose trace has come meanwhile.
   *
   * @throws SQLite's error; then nothing of it is written
   */
  writeSums(now: number, which: SumsToWrite, dropped: number): void {
    const { rollups, versions, minutes, processes, health, exemplars, failedWork, errors, operations } = this;
    const all = which === 'all';
    const since = sinceWhen(which);
    const minutesUntil = all ? Infinity : now;
    const startTimer = (ms = SUMS_MS): (() => boolean) => {
      const until = all ? Infinity : performance.now() + ms;
      return () => performance.now() >= until;
    };
    // Only reads: no other process waits for it.
    failedWork.decide(this.database, now, all, startTimer());
    this.errorFinder.decide(now, all);
    const hasProcesses = processes.endSlots(minutesUntil);
    const isDue =
      rollups.isDirty ||
      this.hasSeldomSums(since) ||
      minutes.due(minutesUntil).length > 0 ||
      hasProcesses ||
      !exemplars.isEmpty;
    if (!isDue && dropped === 0) return;
    let waiting: WaitingExemplar[] = [];
    let written: readonly Rollup[] = [];
    let writtenVersions: ReturnType<VersionSums['write']> = [];
    let writtenOperations: ReturnType<OperationSums['write']> = [];
    let writtenErrors: ReturnType<ErrorSums['write']> = [];
    let writtenProcesses: ReturnType<ProcessRows['write']> = [];
    let writtenHealth: ReturnType<ProcessHealth['write']> | undefined;
    this.change(dropped, (tally) => {
      // Before those of routes, of which there may be so many that there is never time for all.
      writtenErrors = errors.write(this.database, this.dictionaries, now, since, startTimer(SUMS_MS / 2));
      writtenVersions = versions.write(this.database, since, startTimer(SUMS_MS / 2));
      writtenOperations = operations.write(
        this.database,
        this.dictionaries,
        now,
        since,
        startTimer(SUMS_MS / 2),
      );
      written = rollups.write(this.database, tally, startTimer());
      this.points.writeMinutes(minutes, minutesUntil, tally);
      writtenProcesses = processes.write(this.database, this.dictionaries, now);
      writtenHealth = health.write(this.database, this.dictionaries, since, now);
      waiting = exemplars.write(tally, now);
    });
    rollups.settle(written, now);
    versions.settle(writtenVersions, now);
    errors.settle(writtenErrors);
    operations.settle(writtenOperations, now);
    minutes.settle(minutesUntil);
    processes.settle(writtenProcesses);
    if (writtenHealth) health.settle(writtenHealth);
    exemplars.settle(waiting);
  }

  private change(dropped: number, work: (tally: Tally) => void): void {
    try {
      changeRows(this.database, work, dropped);
    } catch (error) {
      this.dictionaries.clear();
      this.series.clear();
      this.operations.forgetIds();
      throw error;
    }
  }
}

/** Up to when a sum that is written seldom must have changed to be written now, by `performance.now()`. */
function sinceWhen(which: SumsToWrite): number {
  return which === 'due' ? performance.now() - SELDOM_MS : Infinity;
}

const INSERT_LOG = `INSERT INTO logs (time, level, service, context, trace_id, trace_key, span_id, message, attributes, resource, loose)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

/** Writes log lines and the words they are found by; to be used within one transaction. */
class LogWriter {
  constructor(
    private readonly database: Database,
    private readonly dictionaries: Dictionaries,
  ) {}

  write(logs: readonly StoredLog[], tally: Tally, now: number): void {
    const words = this.database.hasFullText ? new FtsWriter(this.database) : undefined;
    for (const log of logs) {
      const id = this.writeLog(log, now);
      words?.add(id, log);
    }
    words?.write();
    tally.addLogs(logs.length);
  }

  /** Returns the number of the line. */
  private writeLog(log: StoredLog, now: number): number {
    const { service, resource } = this.dictionaries.resource(log.resource, now);
    const { time, level, context = null, traceId, spanId, message, attributes = null } = log;
    const trace = traceId === undefined ? null : bytesOf(traceId);
    const key = traceId === undefined ? null : traceKeyOf(traceId);
    const span = spanId === undefined ? null : bytesOf(spanId);
    const isLoose = Number(traceId === undefined && level < ERROR_LEVEL);
    const statement = this.database.prepare(INSERT_LOG);
    const values = [time, level, service, context, trace, key, span, message, attributes, resource, isLoose];
    const { lastInsertRowid } = statement.run(...values);
    return Number(lastInsertRowid);
  }
}

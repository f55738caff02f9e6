import {
  type ChartAnswer,
  type InstrumentAnswer,
  type JsonAttributes,
  type LogAnswer,
  type OverviewAnswer,
  type Page,
  type RouteAnswer,
  type SelectionAnswer,
  type ServiceAnswer,
  type SpanAnswer,
  type StoreAnswer,
  type TraceAnswer,
  type TraceSummaryAnswer,
} from '../reader/answers.interface.js';
import {
  type ChartFilter,
  type LiveFeed,
  type LogFilter,
  type News,
  type OverviewFilter,
  type QueryOptions,
  type RouteFilter,
  type Selection,
  type TelemetryReader,
  type TimeRange,
  type TraceFilter,
} from '../reader/telemetry-reader.interface.js';
import { type Steps, TimeSlice } from '../steps.js';
import { type Database } from './database/database.js';
import { readChart } from './queries/charts.js';
import { findLogs } from './queries/find-logs.js';
import { findTraces } from './queries/find-traces.js';
import { type Position, readNews, readPosition } from './queries/follow.js';
import { findInstruments } from './queries/instruments.js';
import { findRoutes, findServices, readOverview } from './queries/overview.js';
import { rankSelection } from './queries/rank-selection.js';
import { readStore } from './queries/read-store.js';
import { readResourcesOfTrace, readSpans, readTrace, readTraceSummary } from './queries/read-trace.js';
import { type TelemetryStore } from './store.js';

/** Answers the questions of the page from the embedded store. */
export class SqliteReader implements TelemetryReader {
  constructor(private readonly store: TelemetryStore) {}

  services(range: TimeRange, options?: QueryOptions): Promise<readonly ServiceAnswer[]> {
    return this.ask((database) => findServices(database, range), options);
  }

  overview(filter: OverviewFilter, options?: QueryOptions): Promise<OverviewAnswer> {
    return this.ask((database) => readOverview(database, filter), options);
  }

  routes(filter: RouteFilter, options?: QueryOptions): Promise<readonly RouteAnswer[]> {
    return this.ask((database) => findRoutes(database, filter, filter.service), options);
  }

  traces(filter: TraceFilter, options?: QueryOptions): Promise<Page<TraceSummaryAnswer>> {
    return this.ask((database) => findTraces(database, filter), options);
  }

  trace(traceId: string, options?: QueryOptions): Promise<TraceAnswer | undefined> {
    return this.ask((database) => readTrace(database, traceId), options);
  }

  summaries(
    traceIds: readonly string[],
    options?: QueryOptions,
  ): Promise<ReadonlyMap<string, TraceSummaryAnswer>> {
    return this.ask(function* (database) {
      const found = new Map<string, TraceSummaryAnswer>();
      const turn = new TimeSlice();
      for (const traceId of traceIds) {
        const summary = readTraceSummary(database, traceId);
        if (summary !== undefined) found.set(traceId, summary);
        if (turn.isOver()) yield* turn.pass();
      }
      return found;
    }, options);
  }

  spans(
    traceIds: readonly string[],
    options?: QueryOptions,
  ): Promise<ReadonlyMap<string, readonly SpanAnswer[]>> {
    return this.ask(function* (database) {
      const found = new Map<string, readonly SpanAnswer[]>();
      const turn = new TimeSlice();
      for (const traceId of traceIds) {
        const spans = yield* readSpans(database, traceId);
        if (spans.length > 0) found.set(traceId, spans);
        if (turn.isOverNow()) yield* turn.pass();
      }
      return found;
    }, options);
  }

  resources(traceId: string, options?: QueryOptions): Promise<Readonly<Record<string, JsonAttributes>>> {
    return this.ask((database) => inOneStep(() => readResourcesOfTrace(database, traceId)), options);
  }

  logs(filter: LogFilter, options?: QueryOptions): Promise<Page<LogAnswer>> {
    return this.ask((database) => findLogs(database, filter), options);
  }

  instruments(service: string | undefined, options?: QueryOptions): Promise<readonly InstrumentAnswer[]> {
    return this.ask((database) => inOneStep(() => findInstruments(database, service)), options);
  }

  chart(filter: ChartFilter, options?: QueryOptions): Promise<ChartAnswer | undefined> {
    return this.ask((database) => readChart(database, filter), options);
  }

  selection(selection: Selection, options?: QueryOptions): Promise<SelectionAnswer> {
    return this.ask((database) => rankSelection(database, selection), options);
  }

  async health(options?: QueryOptions): Promise<StoreAnswer> {
    const { file, limits, queued } = this.store;
    const counts = await this.ask((database) => inOneStep(() => readStore(database)), options);
    return { file, maxBytes: limits.maxBytes, queued, ...counts };
  }

  readonly live: LiveFeed = {
    news: (after, options) => this.ask((database) => inOneStep(() => newsAfter(database, after)), options),
  };

  markViewed(): void {
    this.store.markViewed();
  }

  private ask<T>(question: (database: Database) => Steps<T>, options: QueryOptions = {}): Promise<T> {
    const { signal } = options;
    if (signal === undefined) return this.store.ask(question);
    // SQLite cannot be interrupted within a step: a question ends between two of them.
    return this.store.ask(function* (database) {
      const steps = question(database);
      for (;;) {
        signal.throwIfAborted();
        const { done, value } = steps.next();
        if (done === true) return value;
        yield;
      }
    });
  }
}

// eslint-disable-next-line require-yield -- a question that is answered in one step
function* inOneStep<T>(read: () => T): Steps<T> {
  return read();
}

function newsAfter(database: Database, after: string | undefined): News {
  const from = after === undefined ? undefined : parsePosition(after);
  if (from === undefined) return { traces: [], logs: [], position: textOf(readPosition(database)) };
  const { traces, logs, position } = readNews(database, from);
  return { traces, logs, position: textOf(position) };
}

function textOf({ span, log }: Position): string {
  return `${span}.${log}`;
}

/** Undefined for a text that is no position. */
function parsePosition(text: string): Position | undefined {
  const [, span, log] = /^(\d{1,16})\.(\d{1,16})$/.exec(text) ?? [];
  return span === undefined ? undefined : { span: Number(span), log: Number(log) };
}

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type StoredInstrument, type StoredResource } from '../../../lib/dashboard/sqlite/rows.interface.js';
import { SPAN_KIND, SPAN_STATUS } from '../../../lib/dashboard/sqlite/rows.interface.js';
import { createSqliteReader } from '../../../lib/dashboard/sqlite/sqlite-reader.js';
import { openStore } from '../../../lib/dashboard/sqlite/store.js';
import { describeTelemetryReader } from './contract.js';
import { createMemoryReader } from './memory-reader.js';
import { type ReaderUnderTest, type WrittenOrigin } from './telemetry.js';

describeTelemetryReader('SQLite on a file', () => Promise.resolve(openSqliteReader()), {
  live: true,
  types: true,
});
describeTelemetryReader('A list in memory', () => Promise.resolve(createMemoryReader()), {
  live: false,
  types: true,
});

function openSqliteReader(): ReaderUnderTest {
  const folder = mkdtempSync(join(tmpdir(), 'reader-'));
  const store = openStore({
    file: join(folder, 'telemetry.db'),
    maxAgeMs: 24 * 3_600_000,
    maxBytes: 256 * 1_024 * 1_024,
    maxSpans: 200_000,
    maxLogs: 200_000,
    maxPoints: 500_000,
  });
  if (store === undefined) throw new Error('there is no SQLite');
  // The store looks resources and instruments up by their identity.
  const resources = new Map<string, StoredResource>();
  const instruments = new Map<string, StoredInstrument>();
  const resourceOf = ({ service, ...origin }: WrittenOrigin & { readonly service: string }) => {
    const { version = '1.0.0', environment = 'test', instance = '', host } = origin;
    return getOrMake(resources, [service, version, environment, instance, host].join(' '), () => ({
      service,
      version,
      environment,
      instance,
      // The store tells processes apart by them.
      attributes: JSON.stringify({
        'service.name': service,
        ...(version !== '1.0.0' && { 'service.version': version }),
        ...(environment !== 'test' && { 'deployment.environment.name': environment }),
        ...(host !== undefined && { 'host.name': host }),
      }),
    }));
  };
  return {
    reader: createSqliteReader(store),
    write: async ({ spans = [], logs = [], points = [] }) => {
      for (const span of spans)
        store.addSpan({
          ...span,
          resource: resourceOf(span),
          ...halvesOf(span.spanId, 'idHigh', 'idLow'),
          ...halvesOf(span.parentSpanId ?? '0'.repeat(16), 'parentHigh', 'parentLow'),
          kind: SPAN_KIND[span.kind],
          start: Math.round(span.start * 1_000),
          duration: Math.round(span.durationMs * 1_000),
          status: SPAN_STATUS[span.status],
          attributes: JSON.stringify(span.attributes),
          events: span.events.length === 0 ? undefined : JSON.stringify(span.events),
          links: span.links && JSON.stringify(span.links),
          method: span.method,
          route: span.route,
          outcome: span.outcome,
        });
      for (const log of logs)
        store.addLog({
          ...log,
          resource: resourceOf(log),
          context: log.context,
          traceId: log.traceId,
          spanId: log.spanId,
          attributes: JSON.stringify(log.attributes),
        });
      for (const { name, type, unit, attributes, counts, boundaries, ...point } of points)
        store.addPoints([
          {
            ...point,
            instrument: getOrMake(instruments, `${point.service} ${name} ${point.instance ?? ''}`, () => ({
              resource: resourceOf(point),
              scope: 'test',
              name,
              description: '',
              unit,
              type,
            })),
            attributes: JSON.stringify(attributes),
            count: (counts ?? []).reduce((sum, count) => sum + count, 0),
            ...(boundaries !== undefined && { boundaries }),
            buckets: counts && new Map(counts.entries()),
          },
        ]);
      await store.flush();
    },
    close: async () => {
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function getOrMake<T>(known: Map<string, T>, key: string, make: () => T): T {
  const value = known.get(key) ?? make();
  known.set(key, value);
  return value;
}

function halvesOf<High extends string, Low extends string>(id: string, high: High, low: Low) {
  const [first, second] = [Number.parseInt(id.slice(0, 8), 16) | 0, Number.parseInt(id.slice(8), 16) | 0];
  return { [high]: first, [low]: second } as Record<High | Low, number>; // the two computed keys
}

import { startHealthReports } from '../../../lib/dashboard/feed/report-health.js';
import { watchStoreLosses } from '../../../lib/dashboard/feed/store-health.js';
import { type ProcessReport } from '../../../lib/dashboard/reader/answers/processes.interface.js';
import { type StoredSpan } from '../../../lib/dashboard/sqlite/rows.interface.js';
import { openStore } from '../../../lib/dashboard/sqlite/store.js';
import { warnOnce } from '../../../lib/errors/warnings.js';
import { ExporterHealth, resetExporterReports } from '../../../lib/exporters/exporter-report.js';
import { collectWarnings } from '../../exporters/support/collect-warnings.js';
import { eventually } from '../../support/eventually.js';
import { ORDERS } from '../sqlite/sample-rows.js';

const DESTINATION = {
  signal: 'traces',
  protocol: 'http/protobuf',
  name: 'OTLP http/protobuf',
  endpoint: 'http://localhost:4318/v1/traces',
} as const;

describe('what a process stores about its telemetry', () => {
  const store = {
    dropped: 0,
    queued: 2,
    reports: [] as ProcessReport[],
    reportHealth(_resource: unknown, report: ProcessReport) {
      this.reports.push(report);
    },
  };
  const warnings = collectWarnings();
  let stop: () => void = () => undefined;
  beforeEach(() => {
    Object.assign(store, { dropped: 0, reports: [] });
  });
  afterEach(() => {
    stop();
    resetExporterReports('traces');
  });
  afterAll(() => {
    warnings.restore();
  });
  const start = (reportMs = 60_000) => {
    stop = startHealthReports(
      store,
      ORDERS,
      () => [
        { name: 'pg', version: '8.0.0', recorded: true },
        { name: 'sqlite3', version: '5.1.7', recorded: false, reason: 'there is no instrumentation for it' },
      ],
      { reportMs, lookMs: 5 },
    );
  };

  it('is what exporters sent and lost with the reasons, the queue, the store and libraries', () => {
    const health = new ExporterHealth(DESTINATION);
    health.queue = { size: () => 7, capacity: 2_048 };
    health.settle(10, { outcome: 'sent', rejected: 3, message: 'too old' });
    health.dropFromQueue(2, 'items');
    health.delay(new Error('connect ECONNREFUSED http://user:hunter2@collector:4318'));
    start();
    const [{ exporters, store: rows, notRecorded }] = store.reports as [ProcessReport];
    expect(exporters).toMatchObject([
      {
        signal: 'traces',
        endpoint: DESTINATION.endpoint,
        exported: 7,
        failed: 3,
        dropped: 2,
        lostBy: { rejected: 3, queue_full: 2 },
        queued: 7,
        queueCapacity: 2_048,
      },
    ]);
    expect(exporters[0]!.lastError!.message).toMatch(/ECONNREFUSED/);
    expect(exporters[0]!.lastError!.message).not.toContain('hunter2');
    expect(Date.now() - exporters[0]!.failingSince!).toBeLessThan(10_000);
    expect(rows).toEqual({ dropped: 0, queued: 2 });
    expect(notRecorded).toEqual([
      { name: 'sqlite3', version: '5.1.7', reason: 'there is no instrumentation for it' },
    ]);
    health.close();
  });

  it('has every loss, also of more reasons than are listed', () => {
    const health = new ExporterHealth(DESTINATION);
    for (let status = 400; status < 415; status += 1)
      health.settle(2, { outcome: 'failed', error: Object.assign(new Error('refused'), { code: status }) });
    start();
    const { failed, lostBy } = store.reports[0]!.exporters[0]!;
    expect(Object.keys(lostBy)).toHaveLength(11);
    expect(Object.values(lostBy).reduce((sum, count) => sum + count, 0)).toBe(failed);
    health.close();
  });

  it('is stored at once when sending begins to fail, when something is lost, and for a new warning', async () => {
    const health = new ExporterHealth(DESTINATION);
    start();
    const after = async (change: () => void): Promise<ProcessReport> => {
      const before = store.reports.length;
      change();
      await eventually(() => store.reports.length === before + 1);
      return store.reports.at(-1)!;
    };
    const failing = await after(() => {
      health.delay(new Error('connect ECONNREFUSED'));
    });
    expect(failing.exporters[0]!.failingSince).toBeDefined();
    const lossy = await after(() => {
      health.dropFromQueue(4, 'items');
    });
    expect(lossy.exporters[0]!.dropped).toBe(4);
    const full = await after(() => {
      store.dropped = 9;
    });
    expect(full.store!.dropped).toBe(9);
    const warned = await after(() => {
      warnOnce(`test:${Math.random()}`, 'Something is odd');
    });
    expect(warned.warnings!.latest[0]!.message).toBe('Something is odd');
    health.close();
  });

  it('is stored at an interval where nothing changes, and once more at the end', async () => {
    start(30);
    await eventually(() => store.reports.length >= 3);
    const before = store.reports.length;
    stop();
    expect(store.reports.length).toBe(before + 1);
  });
});

describe('what the embedded store loses', () => {
  it('is logged with the number of rows, and once more when it keeps up again', async () => {
    const warnings = collectWarnings();
    const store = openStore({
      file: ':memory:',
      maxAgeMs: 3_600_000,
      maxBytes: 64 * 2 ** 20,
      maxSpans: 10_000,
      maxLogs: 10_000,
      maxPoints: 10_000,
    })!;
    const onLoss = jest.fn();
    const stop = watchStoreLosses(store, { everyMs: 50, onLoss });
    // The row is made when it is written: what waits here is a number.
    const unmade = (): StoredSpan => {
      throw new Error('never made');
    };
    for (let index = 0; index < 21_000; index += 1) store.addSpan(index, unmade);

    const first =
      /telemetry could not be sent to :memory: \(the embedded store\): .*sampling.*Lost since \S+: [\d,]+ rows/;
    await eventually(() => warnings.messages.some((message) => first.test(message)));
    expect(onLoss).toHaveBeenCalled();
    await store.close();
    await eventually(() =>
      warnings.messages.some((message) => /again, after .*lost meanwhile: 21,000 rows/.test(message)),
    );
    stop();
    warnings.restore();
  });
});

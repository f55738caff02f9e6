import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { eventually } from '../support/eventually.js';
import { hasWordIndex } from '../support/word-index.js';

interface Summary {
  readonly traceId: string;
  readonly status?: string;
  readonly start: number;
}

interface Trace {
  readonly summary: Summary & { readonly spanCount: number };
  readonly spans: readonly {
    readonly name: string;
    readonly spanId: string;
    readonly parentSpanId?: string;
  }[];
  readonly logs: readonly { readonly message: string; readonly level: string }[];
}

interface Health {
  readonly store: Readonly<
    Record<'spans' | 'logs' | 'points' | 'dropped' | 'evicted' | 'maxBytes', number>
  > & {
    readonly file: string;
  };
  readonly warnings: readonly { readonly message: string }[];
}

/** A service in a process of its own, and its page's JSON. */
class StoredService {
  private loading: Promise<unknown> | undefined;

  private constructor(
    private readonly child: ChildProcess,
    private readonly origin: string,
    private readonly file: string,
  ) {}

  static async start(store: { readonly file: string }): Promise<StoredService> {
    const child = fork(join(__dirname, 'programs/stored-service.mjs'), {
      env: { ...process.env, NODE_ENV: 'development', STORE: JSON.stringify(store) },
      execArgv: ['--disable-warning=ExperimentalWarning'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const [port] = (await once(child, 'message')) as [number];
    const service = new StoredService(child, `http://127.0.0.1:${String(port)}`, store.file);
    started.push(service);
    return service;
  }

  async ask<Answer>(path: string): Promise<Answer> {
    const token = readFileSync(join(dirname(this.file), 'dashboard-token'), 'utf8').trim();
    const response = await fetch(`${this.origin}/telemetry/api/v1/${path}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    if (!response.ok) throw new Error(`${path} was answered with ${String(response.status)}`);
    return (await response.json()) as Answer;
  }

  async order(id: number): Promise<void> {
    await (await fetch(`${this.origin}/orders/${String(id)}`)).text();
  }

  /** Asks without end on several connections, until the process is gone. */
  load(): void {
    const ask = async (first: number): Promise<void> => {
      for (let id = first; this.isRunning; id += 1) await this.order(id);
    };
    this.loading = Promise.allSettled(Array.from({ length: 16 }, (_, index) => ask(index * 1_000)));
  }

  /** As `kill -9` does: nothing in the process learns of it. */
  async kill(): Promise<void> {
    if (!this.isRunning) return;
    const exited = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exited;
    await this.loading;
  }

  private get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null && !this.child.killed;
  }
}

const started: StoredService[] = [];

describe('a service that is killed while it is under load', () => {
  let folder: string;
  let file: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'store-kill-'));
    file = join(folder, 'telemetry.db');
  });
  afterEach(async () => {
    await Promise.all(started.splice(0).map((service) => service.kill()));
    rmSync(folder, { recursive: true, force: true });
  });

  const inspect = (sql: string): unknown => {
    const database = new DatabaseSync(file, { readOnly: true });
    try {
      return Object.values(database.prepare(sql).get() ?? {})[0];
    } finally {
      database.close();
    }
  };
  const expectSound = (): void => {
    expect(inspect('PRAGMA integrity_check')).toBe('ok');
    expect(readdirSync(folder).filter((name) => name.includes('corrupt'))).toEqual([]);
  };

  it('shows all that it had committed after it was started again, and goes on', async () => {
    const killed = await StoredService.start({ file });
    killed.load();
    let shown: readonly Summary[] = [];
    await eventually(async () => {
      shown = (await killed.ask<{ items: Summary[] }>('traces?limit=1000')).items;
      return shown.length >= 300 && shown.some(({ status }) => status === '404');
    });
    const before = await killed.ask<Health>('health');
    // What was asked for after that is being written now.
    await killed.kill();
    // It was not closed: what the journal holds is not in the file yet.
    expect(existsSync(`${file}-wal`)).toBe(true);

    const again = await StoredService.start({ file });
    const after = await again.ask<Health>('health');
    expect(after.store.file).toBe(file);
    expect(after.warnings).toEqual([]);
    expect(after.store.spans).toBeGreaterThanOrEqual(before.store.spans);
    expect(after.store.logs).toBeGreaterThanOrEqual(before.store.logs);
    expectSound();

    const found = await again.ask<{ items: Summary[] }>('traces?limit=1000');
    expect(found.items.length).toBeGreaterThanOrEqual(shown.length);
    const ended = shown.filter(({ status }) => status !== undefined);
    expect(ended.length).toBeGreaterThanOrEqual(300);
    for (const { traceId, status } of [...ended.slice(-20), ...ended.slice(0, 20)]) {
      const trace = await again.ask<Trace>(`traces/${traceId}`);
      expect(trace.spans).toHaveLength(trace.summary.spanCount);
      expect(trace.spans.map(({ name }) => name)).toContain('GET /orders/:id');
      expect(trace.spans.map(({ name }) => name)).toContain('OrderService.find');
      expect(trace.logs.some(({ message }) => message === 'order read')).toBe(status === '200');
    }

    const restartedAt = Date.now();
    await again.order(4_711);
    await eventually(async () => {
      const { items } = await again.ask<{ items: Summary[] }>(`traces?from=${String(restartedAt)}`);
      return items.length === 1;
    });
  });

  it('leaves a sound file with true counts when it was deleting old rows meanwhile', async () => {
    const bounds = { file, maxSpans: 400, maxLogs: 100 };
    const killed = await StoredService.start(bounds);
    killed.load();
    const health = () => killed.ask<Health>('health');
    await eventually(async () => (await health()).store.evicted > 1_000);
    await killed.kill();

    const again = await StoredService.start(bounds);
    expectSound();
    await eventually(async () => {
      const { store } = await again.ask<Health>('health');
      return store.spans <= 400 && store.logs <= 100;
    });
    const { store } = await again.ask<Health>('health');
    expect(inspect('SELECT count(*) FROM spans')).toBe(store.spans);
    expect(inspect('SELECT count(*) FROM logs')).toBe(store.logs);
    expect(inspect('SELECT sum(live) FROM word_blocks')).toBe(hasWordIndex ? store.logs : null);
    expect(inspect('SELECT count(*) FROM spans WHERE trace NOT IN (SELECT id FROM traces)')).toBe(0);
  });

  it('does not hold up another service that writes to the same file', async () => {
    const killed = await StoredService.start({ file });
    const other = await StoredService.start({ file });
    killed.load();
    other.load();
    await eventually(async () => (await other.ask<Health>('health')).store.spans > 1_000);
    await killed.kill();
    const { store: then } = await other.ask<Health>('health');
    await eventually(async () => (await other.ask<Health>('health')).store.spans > then.spans + 500);
    const { store, warnings } = await other.ask<Health>('health');
    expect({ file: store.file, dropped: store.dropped, warnings }).toEqual({
      file,
      dropped: 0,
      warnings: [],
    });
    await other.kill();
    expectSound();
  });
});

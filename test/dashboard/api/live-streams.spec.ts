import { EventEmitter } from 'node:events';

import { LiveStreams } from '../../../lib/dashboard/api/live-streams.js';
import { QueryParameters } from '../../../lib/dashboard/api/question.js';
import { DashboardError } from '../../../lib/dashboard/http/dashboard-error.js';
import { type HttpResponse } from '../../../lib/dashboard/http/http-exchange.interface.js';
import { type StoredLog } from '../../../lib/dashboard/sqlite/rows.interface.js';
import { createSqliteReader } from '../../../lib/dashboard/sqlite/sqlite-reader.js';
import { type TelemetryStore } from '../../../lib/dashboard/sqlite/store.js';
import { eventually } from '../../support/eventually.js';
import { cleanUp, openTestStore } from '../sqlite/open-test-store.js';

const resource = { service: 'orders', version: '1', environment: 'test', instance: '', attributes: '{}' };

/** A response whose reader can be slow on purpose, which a socket of loopback is not. */
class SlowResponse extends EventEmitter {
  readonly lines: Record<string, unknown>[] = [];
  status = 0;
  takes = true;
  ended = false;

  writeHead(status: number): void {
    this.status = status;
  }

  write(text: string): boolean {
    for (const line of text.split('\n').slice(0, -1))
      this.lines.push(JSON.parse(line) as Record<string, unknown>);
    return this.takes;
  }

  end(): void {
    this.ended = true;
  }

  messages(): unknown[] {
    return this.lines.filter(({ type }) => type === 'log').map(({ log }) => (log as StoredLog).message);
  }
}

describe('live streams', () => {
  let store: TelemetryStore;
  let streams: LiveStreams;
  beforeEach(() => {
    store = openTestStore();
    streams = new LiveStreams(createSqliteReader(store).live, () => []);
  });
  afterEach(async () => {
    streams.close();
    await cleanUp();
  });

  const open = async (query = ''): Promise<SlowResponse> => {
    const response = new SlowResponse();
    const asGiven = response as unknown as HttpResponse; // it has what is used of a response
    await streams.open(new QueryParameters(new URLSearchParams(query)), asGiven);
    return response;
  };
  const log = (message: string): void => {
    store.addLog({
      resource,
      time: Date.now(),
      level: 30,
      context: undefined,
      traceId: undefined,
      spanId: undefined,
      message,
      attributes: undefined,
    });
  };

  it('tell everybody what was written since they came, each what was asked for', async () => {
    log('before');
    await store.flush();
    const [all, traces] = [await open(), await open('traces')];
    log('after');
    await eventually(() => all.messages().length > 0);
    expect(all.messages()).toEqual(['after']);
    expect(traces.messages()).toEqual([]);
  });

  it('leave out what a client is too slow for, and continue when it has caught up', async () => {
    const [slow, fast] = [await open(), await open()];
    slow.takes = false;
    log('first');
    await eventually(() => fast.messages().includes('first'));
    log('second');
    await eventually(() => fast.messages().includes('second'));
    expect(slow.messages()).toEqual(['first']);
    slow.emit('drain');
    log('third');
    await eventually(() => fast.messages().includes('third'));
    expect(slow.messages()).toEqual(['first', 'third']);
  });

  it('are twenty at most, until one leaves', async () => {
    const responses = await Promise.all(Array.from({ length: 20 }, () => open()));
    await expect(open()).rejects.toThrow(DashboardError);
    responses[3]?.emit('close');
    expect((await open()).status).toBe(200);
  });

  it('end when the application does, and begin no more', async () => {
    const response = await open();
    streams.close();
    expect(response.ended).toBe(true);
    await expect(open()).rejects.toThrow('is stopping');
  });
});

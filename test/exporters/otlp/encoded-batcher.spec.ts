import { EncodedBatcher, type EncodedRequest } from '../../../lib/exporters/otlp/encoded-batcher.js';
import { resolveBatchLimits } from '../../../lib/exporters/sending/batcher.js';
import { createExportQueue } from '../../../lib/exporters/sending/export-queue.js';
import type { Delivery, Sender } from '../../../lib/exporters/sending/sender.js';
import { eventually } from '../../support/eventually.js';
import { collectWarnings } from '../support/collect-warnings.js';
import { resource } from '../support/trace-provider.js';

/** Takes requests and answers each when the test says so. */
class Receiver implements Sender<EncodedRequest> {
  readonly requests: EncodedRequest[] = [];
  readonly answers: ((delivery: Delivery) => void)[] = [];
  closed = false;

  constructor(private readonly answersAtOnce = true) {}

  send(request: EncodedRequest): Promise<Delivery> {
    this.requests.push(request);
    if (this.answersAtOnce) return Promise.resolve({ outcome: 'sent' });
    return new Promise((resolve) => this.answers.push(resolve));
  }

  abort(): void {
    for (const answer of this.answers) answer({ outcome: 'retry', error: new Error('aborted') });
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }
}

const scope = { name: 'OrderService' };
const failed: Delivery = { outcome: 'failed', error: new Error('refused') };
const later: Delivery = { outcome: 'retry', error: new Error('busy'), afterMs: 0 };

interface Limits {
  readonly maxQueueSize?: number;
  readonly maxExportBatchSize?: number;
  readonly scheduledDelayMillis?: number;
  readonly exportTimeoutMillis?: number;
  readonly maxBytes?: number;
}

function batcherTo(receiver: Receiver, { maxBytes = 2 ** 30, ...batch }: Limits = {}) {
  const limits = resolveBatchLimits('traces', { scheduledDelayMillis: 60_000, ...batch });
  const { queue, health } = createExportQueue(
    { signal: 'traces', protocol: 'grpc', name: 'OTLP grpc', endpoint: 'http://collector:4317' },
    receiver,
    {
      maxItems: limits.maxQueueSize,
      maxBytes,
      attemptTimeoutMs: 1_000,
      minRetryMs: limits.exportTimeoutMillis,
    },
  );
  const batcher = new EncodedBatcher(queue, health, limits);
  const add = (bytes = 10): void => {
    batcher.add('x'.repeat(bytes), scope, resource, (writer, text) => {
      writer.byte(0x12);
      writer.text(text);
    });
  };
  return { add, batcher, health };
}

describe('EncodedBatcher', () => {
  let warnings: ReturnType<typeof collectWarnings>;

  beforeEach(() => {
    warnings = collectWarnings();
  });

  afterEach(() => {
    warnings.restore();
  });

  it('sends when as many items wait as a request may have', async () => {
    const receiver = new Receiver();
    const { add } = batcherTo(receiver, { maxExportBatchSize: 3 });
    for (let index = 0; index < 7; index += 1) add();
    await eventually(() => receiver.requests.length === 2);
    expect(receiver.requests.map(({ count }) => count)).toEqual([3, 3]);
  });

  it('sends what waits when its delay has passed', async () => {
    const receiver = new Receiver();
    const { add } = batcherTo(receiver, { scheduledDelayMillis: 5 });
    add();
    await eventually(() => receiver.requests.length === 1);
    expect(receiver.requests[0]!.count).toBe(1);
  });

  it('keeps requests below what gRPC receivers take', async () => {
    const receiver = new Receiver();
    const { add, batcher } = batcherTo(receiver, { maxQueueSize: 100, maxExportBatchSize: 100 });
    for (let index = 0; index < 20; index += 1) add(1_000_000);
    await batcher.flush();
    expect(receiver.requests.reduce((sum, { count }) => sum + count, 0)).toBe(20);
    for (const { body } of receiver.requests) expect(body.length).toBeLessThan(5 * 2 ** 20);
  });

  it('has one request under way at a time, and drops what there is no room for', async () => {
    const receiver = new Receiver(false);
    const { add, batcher, health } = batcherTo(receiver, { maxExportBatchSize: 2, maxQueueSize: 4 });
    for (let index = 0; index < 9; index += 1) add();
    expect(receiver.requests).toHaveLength(1);
    expect(health.report().dropped).toBe(3);
    const flushed = batcher.flush();
    for (const sent of [1, 2, 3]) {
      await eventually(() => receiver.answers.length === sent);
      receiver.answers[sent - 1]!({ outcome: 'sent' });
    }
    await flushed;
    expect(receiver.requests.map(({ count }) => count)).toEqual([2, 2, 2]);
  });

  it('drops what is beyond the bound of bytes, including the request that is being sent', () => {
    const receiver = new Receiver(false);
    const { add, health } = batcherTo(receiver, { maxExportBatchSize: 1, maxBytes: 1_000_000 });
    for (let index = 0; index < 20; index += 1) add(100_000);
    expect(health.report().dropped).toBe(10);
  });

  it('sends a request that failed for a passing reason again, with the same bytes', async () => {
    const receiver = new Receiver(false);
    const { add, batcher, health } = batcherTo(receiver, { maxExportBatchSize: 1 });
    add();
    add();
    const flushed = batcher.flush();
    receiver.answers[0]!(later);
    await eventually(() => receiver.answers.length === 2);
    receiver.answers[1]!({ outcome: 'sent' });
    await eventually(() => receiver.answers.length === 3);
    receiver.answers[2]!({ outcome: 'sent' });
    await flushed;
    expect(receiver.requests[1]).toBe(receiver.requests[0]);
    expect(health.report()).toMatchObject({ exported: 2, failed: 0, dropped: 0 });
  });

  it('gives a request up when the queue behind it is full and its time is over', async () => {
    const receiver = new Receiver(false);
    const limits = { maxExportBatchSize: 1, maxQueueSize: 2, exportTimeoutMillis: 20 };
    const { add, health } = batcherTo(receiver, limits);
    for (let index = 0; index < 3; index += 1) add();
    await eventually(() => {
      receiver.answers.splice(0).forEach((answer) => {
        answer(later);
      });
      return health.report().failed === 1;
    });
    // There is room again: the others are tried on.
    expect(health.report()).toMatchObject({ exported: 0, failed: 1, dropped: 0 });
  });

  it('rejects a flush with a failure, and sends the rest', async () => {
    const receiver = new Receiver(false);
    const { add, batcher } = batcherTo(receiver, { maxExportBatchSize: 1 });
    add();
    add();
    const flushed = batcher.flush();
    receiver.answers[0]!(failed);
    await eventually(() => receiver.answers.length === 2);
    receiver.answers[1]!({ outcome: 'sent' });
    await expect(flushed).rejects.toThrow('refused');
  });

  it('closes the sender at shutdown, also when the last request fails, and takes nothing any more', async () => {
    const receiver = new Receiver(false);
    const { add, batcher } = batcherTo(receiver);
    add();
    const stopped = batcher.shutdown();
    receiver.answers[0]!(failed);
    await stopped;
    add();
    await batcher.flush();
    expect(receiver.closed).toBe(true);
    expect(receiver.requests).toHaveLength(1);
  });

  it('loses only the item that cannot be encoded, and logs the reason', async () => {
    const receiver = new Receiver();
    const { add, batcher, health } = batcherTo(receiver);
    add();
    batcher.add('broken', scope, resource, (writer) => {
      writer.text('half of it');
      throw new Error('a getter threw');
    });
    await batcher.shutdown();
    expect(health.report().dropped).toBe(1);
    expect(receiver.requests[0]!.count).toBe(1);
    expect(Buffer.from(receiver.requests[0]!.body).includes('half of it')).toBe(false);
    expect(warnings.messages).toEqual([
      expect.stringMatching(/could not be encoded \(a getter threw\).*: 1 span\./),
    ]);
  });
});

import { ExportResultCode } from '@opentelemetry/core';

import { EncodedQueue, type EncodedRequest } from '../../../lib/exporters/otlp/encoding/encoded-queue.js';
import { type DeliveryResult, type PushExporter } from '../../../lib/exporters/push-exporter.interface.js';
import { waitUntil } from '../../support/wait-until.js';
import { resource } from '../support/trace-provider.js';

/** Takes requests and answers each when it is told to. */
class Receiver implements PushExporter<EncodedRequest> {
  readonly requests: EncodedRequest[] = [];
  readonly answers: ((result: DeliveryResult) => void)[] = [];
  closed = false;

  constructor(private readonly answersAtOnce = true) {}

  export(request: EncodedRequest, done: (result: DeliveryResult) => void): void {
    this.requests.push(request);
    if (this.answersAtOnce) done({ code: ExportResultCode.SUCCESS });
    else this.answers.push(done);
  }

  async shutdown(): Promise<void> {
    this.closed = true;
  }
}

const scope = { name: 'OrderService' };

function queueTo(
  exporter: Receiver,
  limits: ConstructorParameters<typeof EncodedQueue>[0]['limits'] = {},
): { add: (bytes?: number) => void; queue: EncodedQueue; dropped: () => number } {
  let dropped = 0;
  const queue = new EncodedQueue({
    exporter,
    limits,
    scheduledDelayMillis: 60_000,
    onDrop: (count) => (dropped += count),
  });
  const add = (bytes = 10): void => {
    queue.add('x'.repeat(bytes), scope, resource, (writer, text) => {
      writer.byte(0x12);
      writer.text(text);
    });
  };
  return { add, queue, dropped: () => dropped };
}

describe('EncodedQueue', () => {
  it('sends when as many items wait as a request may have', async () => {
    const receiver = new Receiver();
    const { add } = queueTo(receiver, { maxExportBatchSize: 3 });
    for (let index = 0; index < 7; index += 1) add();
    await waitUntil(() => receiver.requests.length === 2);
    expect(receiver.requests.map(({ count }) => count)).toEqual([3, 3]);
  });

  it('sends what waits when its delay has passed', async () => {
    const receiver = new Receiver();
    const { add } = queueTo(receiver, { scheduledDelayMillis: 5 });
    add();
    await waitUntil(() => receiver.requests.length === 1);
    expect(receiver.requests[0]!.count).toBe(1);
  });

  it('keeps requests below what gRPC receivers take', async () => {
    const receiver = new Receiver();
    const { add, queue } = queueTo(receiver, { maxQueueSize: 100, maxExportBatchSize: 100 });
    for (let index = 0; index < 20; index += 1) add(1_000_000);
    await queue.flush();
    expect(receiver.requests.reduce((sum, { count }) => sum + count, 0)).toBe(20);
    for (const { body } of receiver.requests) expect(body.length).toBeLessThan(5 * 2 ** 20);
  });

  it('has one request under way at a time, and drops what there is no room for', async () => {
    const receiver = new Receiver(false);
    const { add, queue, dropped } = queueTo(receiver, { maxExportBatchSize: 2, maxQueueSize: 4 });
    for (let index = 0; index < 9; index += 1) add();
    expect(receiver.requests).toHaveLength(1);
    expect(dropped()).toBe(3);
    const flushed = queue.flush();
    for (const sent of [1, 2, 3]) {
      await waitUntil(() => receiver.answers.length === sent);
      receiver.answers[sent - 1]!({ code: ExportResultCode.SUCCESS });
    }
    await flushed;
    expect(receiver.requests.map(({ count }) => count)).toEqual([2, 2, 2]);
  });

  it('goes on after a request that nobody answers', async () => {
    const receiver = new Receiver(false);
    const { add, queue } = queueTo(receiver, { maxExportBatchSize: 1, exportTimeoutMillis: 20 });
    add();
    add();
    await expect(queue.flush()).rejects.toThrow('longer than 20 ms');
    expect(receiver.requests).toHaveLength(2);
  });

  it('tells whoever flushes of a failure, and sends the rest', async () => {
    const receiver = new Receiver(false);
    const { add, queue } = queueTo(receiver, { maxExportBatchSize: 1 });
    add();
    add();
    const flushed = queue.flush();
    receiver.answers[0]!({ code: ExportResultCode.FAILED, error: new Error('refused') });
    await waitUntil(() => receiver.answers.length === 2);
    receiver.answers[1]!({ code: ExportResultCode.SUCCESS });
    await expect(flushed).rejects.toThrow('refused');
  });

  it('closes the exporter at shutdown, also when the last request fails, and takes nothing any more', async () => {
    const receiver = new Receiver(false);
    const { add, queue } = queueTo(receiver);
    add();
    const stopped = queue.shutdown();
    receiver.answers[0]!({ code: ExportResultCode.FAILED });
    await stopped;
    add();
    await queue.flush();
    expect(receiver.closed).toBe(true);
    expect(receiver.requests).toHaveLength(1);
  });

  it('loses only the item that cannot be encoded', async () => {
    const receiver = new Receiver();
    const { add, queue, dropped } = queueTo(receiver);
    add();
    queue.add('broken', scope, resource, (writer) => {
      writer.text('half of it');
      throw new Error('a getter threw');
    });
    await queue.flush();
    expect(dropped()).toBe(1);
    expect(receiver.requests[0]!.count).toBe(1);
    expect(Buffer.from(receiver.requests[0]!.body).includes('half of it')).toBe(false);
  });
});

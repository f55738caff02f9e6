// BullMQ without NestJS, imported after telemetry was started, with a processor in a process of its own. Prints what was recorded.
import { fileURLToPath } from 'node:url';

import { configureTelemetry } from 'nestjs-telemetry';
import { createTelemetryProbe } from 'nestjs-telemetry/testing';

const probe = createTelemetryProbe();
const telemetry = configureTelemetry({ ...probe.options, serviceName: 'plain' });
const { Queue, Worker } = await import('bullmq');

const isPatched = () => Object.hasOwn(Queue.prototype, Symbol.for('nestjs-telemetry.patch.add'));
const patched = [isPatched()];

const connection = { host: '127.0.0.1', port: Number(process.argv[2]) };
const queue = new Queue('plain', { connection });
const sandboxed = fileURLToPath(new URL('sandboxed-processor.cjs', import.meta.url));
const worker = new Worker('plain', sandboxed, { connection });
const ended = Promise.all(
  ['completed', 'failed'].map((event) => new Promise((resolve) => worker.once(event, resolve))),
);
await queue.add('good', {});
await queue.add('bad', {});
const [good] = await ended;
await worker.close();
await queue.close();
await telemetry.shutdown();
patched.push(isPatched());
console.log(
  JSON.stringify({
    spans: probe.spans().map((span) => ({
      name: span.name,
      job: span.attributes['bullmq.job.name'],
      traceId: span.spanContext().traceId,
      status: span.status.message,
      links: span.links.length,
    })),
    result: good.returnvalue,
    patched,
  }),
);

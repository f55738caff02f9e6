import type { ReadableSpan } from '@opentelemetry/sdk-trace';

import type { JaegerTarget } from '../../../lib/config/jaeger.js';
import {
  type JaegerSender,
  loadJaegerExporter,
  type ThriftExporter,
  type ThriftExporterConstructor,
} from '../../../lib/exporters/jaeger/jaeger-package.js';
import { JaegerThriftExporter } from '../../../lib/exporters/jaeger/jaeger-thrift.sender.js';
import { tracerProvider } from '../support/trace-provider.js';

const UDP: JaegerTarget = { transport: 'udp', protocol: 'compact', host: '127.0.0.1', port: 9 };
const HTTP: JaegerTarget = { transport: 'http', url: 'http://127.0.0.1:9/api/traces' };

const done = (_: unknown, callback: (count: number) => void): void => {
  callback(1);
};
const sender = {
  append: done,
  flush: (callback: (count: number) => void) => {
    done(undefined, callback);
  },
  close: () => undefined,
};

/** An exporter of a release whose senders are `made`. */
function releaseWith(made: object | undefined): ThriftExporterConstructor {
  class JaegerExporter implements ThriftExporter {
    export(_spans: ReadableSpan[], callback: (result: { code: number }) => void): void {
      (this as unknown as { _getSender(): JaegerSender })._getSender();
      callback({ code: 0 });
    }
  }
  if (made !== undefined) Object.assign(JaegerExporter.prototype, { _getSender: () => ({ ...made }) });
  return JaegerExporter;
}

async function errorOf(Exporter: ThriftExporterConstructor, target: JaegerTarget): Promise<unknown> {
  const spans: ReadableSpan[] = [];
  const provider = tracerProvider([
    {
      onStart: () => undefined,
      onEnd: (span) => spans.push(span),
      forceFlush: () => Promise.resolve(),
      shutdown: () => Promise.resolve(),
    },
  ]);
  provider.getTracer('test').startSpan('work').end();
  const exporter = new JaegerThriftExporter(target, Exporter);
  const delivery = await exporter.send({ items: spans });
  if (target.transport === 'http') exporter.abort();
  await exporter.close();
  return delivery.outcome === 'failed' ? delivery.error.message : delivery.outcome;
}

describe('a release of @opentelemetry/exporter-jaeger whose private members are changed', () => {
  it.each([
    ['JaegerExporter._getSender()', UDP, undefined],
    ['the sender.append()', UDP, {}],
    ['the sender.flush()', UDP, { append: done }],
    ['UDPSender._client.close()', UDP, sender],
    ['HTTPSender._httpAgent.destroy()', HTTP, sender],
  ])('is reported with the name of what is missing: %s', async (name, target, made) => {
    const checked = Promise.resolve().then(() => errorOf(releaseWith(made), target));

    await expect(checked.catch((error: unknown) => (error as Error).message)).resolves.toBe(
      `this version of @opentelemetry/exporter-jaeger has no ${name}`,
    );
  });

  it('is not the installed one', async () => {
    const Exporter = await loadJaegerExporter();

    expect(await errorOf(Exporter, UDP)).not.toMatch(/has no/);
    expect(await errorOf(Exporter, HTTP)).not.toMatch(/has no/);
  });
});

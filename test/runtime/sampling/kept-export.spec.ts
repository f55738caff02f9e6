import { getTelemetry } from 'nestjs-telemetry';

import { decodeOtlp } from '../../exporters/otlp/decode-otlp.js';
import { closeReceivers, startHttpReceiver } from '../../exporters/otlp/otlp-receiver.js';
import { ExportedSpans } from './exported-spans.js';

interface DecodedSpan {
  readonly name: string;
  readonly flags?: number;
  readonly traceState?: string;
  readonly traceId: string;
  readonly attributes: unknown;
  readonly events: readonly { readonly name: string }[];
  readonly status: unknown;
}

const SAMPLED = 1;

function spansOf(requests: readonly { readonly path: string; readonly body: Buffer }[]): DecodedSpan[] {
  return requests
    .filter(({ path }) => path === '/v1/traces')
    .map(
      ({ body }) =>
        decodeOtlp('trace', body) as { resourceSpans: { scopeSpans: { spans: DecodedSpan[] }[] }[] },
    )
    .flatMap(({ resourceSpans }) => resourceSpans.flatMap(({ scopeSpans }) => scopeSpans))
    .flatMap((scope) => scope.spans);
}

describe.each(['fast', 'sdk'] as const)('a kept trace exported over OTLP with the engine %s', (engine) => {
  afterEach(closeReceivers);

  it('arrives whole and as sampled; nothing of the others does', async () => {
    const { port, requests } = await startHttpReceiver();
    const spans = new ExportedSpans(engine);
    spans.start({ ratio: 0, keep: true }, { otlpEndpoint: `http://127.0.0.1:${String(port)}` });
    const telemetry = getTelemetry('sampling');
    telemetry.trace('fine', () => telemetry.trace('fine.child', () => 1));
    const attempt = () =>
      telemetry.trace('broken', { tenant: 'a' }, () => {
        telemetry.trace('before', () => 1);
        throw new Error('boom');
      });
    expect(attempt).toThrow('boom');
    await spans.stop();

    const received = spansOf(requests);
    expect(received.map(({ name }) => name)).toEqual(['before', 'broken']);
    expect(received.map(({ flags = 0 }) => flags & SAMPLED)).toEqual([SAMPLED, SAMPLED]);
    expect(received.map(({ traceState }) => traceState)).toEqual(['ot=th:0', 'ot=th:0']);
    const [before, broken] = received;
    expect(before?.traceId).toBe(broken?.traceId);
    expect(broken?.attributes).toContainEqual({ key: 'tenant', value: { stringValue: 'a' } });
    expect(broken?.events.map(({ name }) => name)).toEqual(['exception']);
    expect(broken?.status).toMatchObject({ message: 'boom' });
  });

  it('arrives with what the spans of a ratio stand for, and without where all are recorded', async () => {
    const { port, requests } = await startHttpReceiver();
    const endpoint = { otlpEndpoint: `http://127.0.0.1:${String(port)}` };
    const telemetry = getTelemetry('sampling');
    for (const ratio of [0.25, 1]) {
      const spans = new ExportedSpans(engine);
      spans.start({ ratio }, endpoint);
      for (let index = 0; index < 100; index += 1)
        telemetry.trace(`ratio ${ratio}`, () => telemetry.trace(`ratio ${ratio}`, () => 1));
      await spans.stop();
    }
    const received = spansOf(requests);
    const statesOf = (ratio: number) =>
      new Set(
        received.filter(({ name }) => name === `ratio ${ratio}`).map(({ traceState }) => traceState ?? ''),
      );
    expect(statesOf(0.25)).toEqual(new Set(['ot=th:c']));
    expect(statesOf(1)).toEqual(new Set(['']));
  });
});

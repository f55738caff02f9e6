import { emptyResource } from '@opentelemetry/resources';
import { AlwaysOnSampler } from '@opentelemetry/sdk-trace';

import { RecordingTracerProvider } from '../../lib/engine/recording-tracer-provider.js';
import { EncodingLoggerProvider } from '../../lib/exporters/otlp/encoded-batcher.js';
import { PluginLoggerProvider } from '../../lib/runtime/telemetry-plugin.js';

const logs = new EncodingLoggerProvider(emptyResource(), [], 128);
const plugin = { takeLog: () => undefined, flush: () => Promise.resolve() };
const pluginLogs = new PluginLoggerProvider(plugin, undefined);
const spans = new RecordingTracerProvider({
  resource: emptyResource(),
  sampler: new AlwaysOnSampler(),
  childrenFollowParent: true,
  limits: {},
  spanProcessors: [],
});

describe.each([
  [
    'the tracers of the fast engine',
    (name: string, version?: string): object => spans.getTracer(name, version),
  ],
  ['the loggers that encode', (name: string, version?: string): object => logs.getLogger(name, version)],
  [
    'the loggers of a plugin',
    (name: string, version?: string): object => pluginLogs.getLogger(name, version),
  ],
])('%s', (_, get) => {
  it('are the same for the same scope', () => {
    expect(get('orders', '1')).toBe(get('orders', '1'));
    expect(get('orders', '2')).not.toBe(get('orders', '1'));
  });

  it('are forgotten where an application makes up a scope for each request', () => {
    const first = get('orders');
    for (let request = 0; request < 2_500; request += 1) get(`request-${request}`);
    expect(get('orders')).not.toBe(first);
    expect(get('orders')).toBe(get('orders'));
  });
});

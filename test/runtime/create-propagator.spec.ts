import { defaultTextMapGetter, defaultTextMapSetter, ROOT_CONTEXT, trace } from '@opentelemetry/api';

import { createPropagator } from '../../lib/runtime/create-propagator.js';
import { propagatorsLoaded } from '../../lib/runtime/loading-propagators.js';

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN_ID = '00f067aa0ba902b7';
const SENT = trace.setSpanContext(ROOT_CONTEXT, { traceId: TRACE_ID, spanId: SPAN_ID, traceFlags: 1 });
const SINGLE = { b3: `${TRACE_ID}-${SPAN_ID}-1` };
const MULTI = { 'x-b3-traceid': TRACE_ID, 'x-b3-spanid': SPAN_ID, 'x-b3-sampled': '1' };

/** Runs `work` as in an application that has no packages. */
function inEmptyFolder<T>(work: () => T): T {
  const folder = jest.spyOn(process, 'cwd').mockReturnValue('/nowhere');
  const { argv } = process;
  process.argv = [process.execPath, '/nowhere/main.js'];
  try {
    return work();
  } finally {
    process.argv = argv;
    folder.mockRestore();
  }
}

describe('the propagator b3', () => {
  it.each([
    ['b3', SINGLE],
    ['b3multi', MULTI],
  ] as const)('sends the headers of %s and reads both forms, once it is loaded', async (name, headers) => {
    const propagator = createPropagator([name]);
    await propagatorsLoaded();

    const carrier = {};
    propagator.inject(SENT, carrier, defaultTextMapSetter);
    expect(carrier).toEqual(headers);
    for (const received of [SINGLE, MULTI]) {
      const context = propagator.extract(ROOT_CONTEXT, received, defaultTextMapGetter);
      expect(trace.getSpanContext(context)).toMatchObject({ traceId: TRACE_ID, spanId: SPAN_ID });
    }
  });

  it.each(['b3', 'b3multi'] as const)('names the fields of %s that its package names', async (name) => {
    const { B3InjectEncoding, B3Propagator } = await import('@opentelemetry/propagator-b3');
    const injectEncoding = name === 'b3' ? B3InjectEncoding.SINGLE_HEADER : B3InjectEncoding.MULTI_HEADER;

    expect(createPropagator([name]).fields()).toEqual(new B3Propagator({ injectEncoding }).fields());
  });

  it('sends and reads headers from its first moment where the application finds its package', () => {
    const propagator = createPropagator(['b3']);
    const carrier = {};
    propagator.inject(SENT, carrier, defaultTextMapSetter);
    expect(carrier).toEqual(SINGLE);
    const context = propagator.extract(ROOT_CONTEXT, SINGLE, defaultTextMapGetter);
    expect(trace.getSpanContext(context)).toMatchObject({ traceId: TRACE_ID, spanId: SPAN_ID });
  });

  it('leaves headers and context alone until it is loaded, where only this library finds its package', async () => {
    const propagator = inEmptyFolder(() => createPropagator(['b3']));
    const carrier = {};

    propagator.inject(SENT, carrier, defaultTextMapSetter);

    expect(carrier).toEqual({});
    expect(propagator.extract(ROOT_CONTEXT, SINGLE, defaultTextMapGetter)).toBe(ROOT_CONTEXT);
    await propagatorsLoaded();
    propagator.inject(SENT, carrier, defaultTextMapSetter);
    expect(carrier).toEqual(SINGLE);
  });
});

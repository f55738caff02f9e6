import { defaultTextMapGetter, defaultTextMapSetter, ROOT_CONTEXT, trace } from '@opentelemetry/api';

import { createPropagator } from '../../lib/runtime/create-propagator.js';

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN_ID = '00f067aa0ba902b7';
const SENT = trace.setSpanContext(ROOT_CONTEXT, { traceId: TRACE_ID, spanId: SPAN_ID, traceFlags: 1 });
const SINGLE = { b3: `${TRACE_ID}-${SPAN_ID}-1` };
const MULTI = { 'x-b3-traceid': TRACE_ID, 'x-b3-spanid': SPAN_ID, 'x-b3-sampled': '1' };

describe('the propagator b3', () => {
  it.each([
    ['b3', SINGLE],
    ['b3multi', MULTI],
  ] as const)('sends the headers of %s and reads both forms, from its first moment', (name, headers) => {
    const propagator = createPropagator([name]);

    const carrier = {};
    propagator.inject(SENT, carrier, defaultTextMapSetter);
    expect(carrier).toEqual(headers);
    for (const received of [SINGLE, MULTI]) {
      const context = propagator.extract(ROOT_CONTEXT, received, defaultTextMapGetter);
      expect(trace.getSpanContext(context)).toMatchObject({ traceId: TRACE_ID, spanId: SPAN_ID });
    }
  });
});

import { type SpanAnswer } from '../../../../lib/dashboard/reader/answers/traces.interface.js';

/** A span from `start` to `end` (milliseconds); its id is its name unless something else is said. */
export function spanOf(
  name: string,
  start: number,
  end: number,
  { parent, ...rest }: Partial<SpanAnswer> & { parent?: string } = {},
): SpanAnswer {
  return {
    traceId: 'a'.repeat(32),
    spanId: name,
    parentSpanId: parent,
    service: 'orders',
    scope: 'test',
    name,
    kind: 'internal',
    start,
    durationMs: end - start,
    status: 'unset',
    statusMessage: undefined,
    attributes: {},
    events: [],
    links: [],
    ...rest,
  };
}

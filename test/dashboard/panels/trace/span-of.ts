import { type ApiSpan } from '../../../../lib/dashboard/api/api.interface.js';

/** A span from `start` to `end` (milliseconds); its id is its name unless something else is said. */
export function spanOf(
  name: string,
  start: number,
  end: number,
  { parent, ...rest }: Partial<ApiSpan> & { parent?: string } = {},
): ApiSpan {
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

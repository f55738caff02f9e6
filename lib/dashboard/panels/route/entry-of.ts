import { ATTR_HTTP_REQUEST_METHOD, ATTR_HTTP_ROUTE } from '../../../config/semantic-conventions.constants.js';
import { type SpanAnswer } from '../../reader/answers/traces.interface.js';

/** A route as `RouteAnswer` names it. */
export interface RouteName {
  readonly service: string;
  /** Undefined: any. */
  readonly method: string | undefined;
  readonly route: string;
}

/** The name of the attribute in earlier versions of the conventions. */
const FORMER_METHOD = 'http.method';

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** By what a span entered its service, or was begun there; undefined for one inside of another. */
function nameOf({ kind, name, parentSpanId, attributes }: SpanAnswer): readonly [string, string] | undefined {
  const route = textOf(attributes[ATTR_HTTP_ROUTE]);
  if (kind === 'consumer') return ['CONSUME', route ?? name];
  if (kind === 'internal') return parentSpanId === undefined ? ['RUN', name] : undefined;
  if (kind !== 'server') return undefined;
  const method = textOf(attributes[ATTR_HTTP_REQUEST_METHOD] ?? attributes[FORMER_METHOD]);
  return method === undefined ? ['RPC', route ?? name] : [method, route ?? ''];
}

/** Whether the span is a request, message or run that entered by the route. */
export function isEntryBy(span: SpanAnswer, { service, method, route }: RouteName): boolean {
  if (span.service !== service) return false;
  const [enteredBy, name] = nameOf(span) ?? [];
  return name === route && (method === undefined || enteredBy === method);
}

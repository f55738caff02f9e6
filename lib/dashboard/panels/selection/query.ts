import { badRequest } from '../../http/dashboard-error.js';
import { type SelectionAnswer } from '../../reader/answers/traces.interface.js';
import { type Selection } from '../../reader/telemetry-reader.interface.js';

/** Addresses of the panel, and their answers. */
export interface SelectionApi {
  readonly 'POST selection': SelectionAnswer;
}

/** @throws DashboardError 400 */
export function readSelection(body: unknown): Selection {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw badRequest('Send an object with from and to.');
  const fields = body as Readonly<Record<string, unknown>>;
  const [from, to] = [numberAt(fields, 'from'), numberAt(fields, 'to')];
  if (from === undefined || to === undefined || from >= to)
    throw badRequest('from and to must be milliseconds since the epoch, and from before to.');
  return {
    from,
    to,
    minMs: numberAt(fields, 'minMs'),
    maxMs: numberAt(fields, 'maxMs'),
    service: textAt(fields, 'service'),
    route: textAt(fields, 'route'),
    version: textAt(fields, 'version'),
    environment: textAt(fields, 'environment'),
    process: textAt(fields, 'process'),
  };
}

function numberAt(fields: Readonly<Record<string, unknown>>, name: string): number | undefined {
  const value = fields[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value;
  throw badRequest(`${name} must be a number that is not negative.`);
}

function textAt(fields: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = fields[name];
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value === 'string' && value.length <= 1_000 && !value.includes('\0')) return value;
  throw badRequest(`${name} must be a text of at most 1,000 characters, without NUL.`);
}

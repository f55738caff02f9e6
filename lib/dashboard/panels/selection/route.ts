import { type Selection } from '../../reader/telemetry-reader.interface.js';
import { rankSelection } from '../../sqlite/queries/rank-selection.js';
import { badRequest } from '../../http/dashboard-error.js';
import { readJson } from '../../http/read-body.js';
import { type ApiCall } from '../../api/api-call.interface.js';
import { type SelectionAnswer } from '../../reader/answers.interface.js';

const MAX_BODY = 10_000;

export async function selectRegion({ parts: { store }, request }: ApiCall): Promise<SelectionAnswer> {
  const selection = readSelection(await readJson(request, MAX_BODY));
  return store.ask((database) => rankSelection(database, selection));
}

/** @throws DashboardError 400 */
function readSelection(body: unknown): Selection {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw badRequest('Send an object with from and to.');
  const fields = body as Readonly<Record<string, unknown>>;
  const [from, to] = [numberAt(fields, 'from'), numberAt(fields, 'to')];
  if (from === undefined || to === undefined || from >= to)
    throw badRequest('from and to must be milliseconds since the epoch, and from before to.');
  const [minMs, maxMs] = [numberAt(fields, 'minMs'), numberAt(fields, 'maxMs')];
  const [service, route] = [textAt(fields, 'service'), textAt(fields, 'route')];
  return {
    from,
    to,
    ...(minMs !== undefined && { minMs }),
    ...(maxMs !== undefined && { maxMs }),
    ...(service !== undefined && { service }),
    ...(route !== undefined && { route }),
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

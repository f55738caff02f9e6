import { QueryParameters } from '../api/question.js';
import { badRequest } from '../http/dashboard-error.js';
import { type ArgumentSchema, type McpTool } from './mcp-tool.interface.js';

const MAX_TEXT = 256;

export const text = (description: string, more: Partial<ArgumentSchema> = {}): ArgumentSchema => ({
  type: 'string',
  maxLength: MAX_TEXT,
  description,
  ...more,
});

export const count = (description: string, minimum: number, maximum: number): ArgumentSchema => ({
  type: 'integer',
  minimum,
  maximum,
  description,
});

/** The arguments that name a time. */
export const TIMES = {
  from: text('Begin, ISO 8601, such as 2026-11-28T20:00:00Z.', { maxLength: 40 }),
  to: text('End, ISO 8601; default now.', { maxLength: 40 }),
};

export const SERVICE = { service: text('Name of a service; default all.') };

/** The arguments that choose processes. */
export const PROCESSES = {
  version: text('Only processes of this service.version.'),
  environment: text('Only processes of this deployment.environment.name.'),
  process: text('Only the process with this service.instance.id or host.name.'),
};

/** The arguments of an answer in pages. */
export const pages = (standard: number, most: number) => ({
  limit: count(`Items of a page, default ${standard}. Fewer items are shown with more of each.`, 1, most),
  cursor: text('`next` of the page before.', { maxLength: 1_000 }),
});

export const CONDITIONS: ArgumentSchema = {
  type: 'array',
  items: { type: 'string', maxLength: MAX_TEXT },
  maxItems: 10,
  description:
    'Conditions that all hold, such as `user_id=ada`, `http.response.status_code>=500`, `db.system.name exists`; operators = != > >= < <= ~ (part of) exists.',
};

/**
 * The arguments of a call as the query of a panel: with times in milliseconds, and `cursor` as `before`.
 *
 * @param given checked against the schema of the tool
 * @throws DashboardError 400 where a time is none
 */
export function readArguments(
  { defaultSpanMs }: Pick<McpTool, 'defaultSpanMs'>,
  given: Readonly<Record<string, unknown>>,
): QueryParameters {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(given)) {
    if (name === 'from' || name === 'to') parameters.set(name, readTime(name, value));
    else if (Array.isArray(value)) for (const each of value) parameters.append(name, String(each));
    else parameters.set(name === 'cursor' ? 'before' : name, String(value));
  }
  if (defaultSpanMs !== undefined && !parameters.has('from')) {
    const to = parameters.get('to');
    parameters.set('from', String(Math.max(0, (to === null ? Date.now() : Number(to)) - defaultSpanMs)));
  }
  return new QueryParameters(parameters);
}

function readTime(name: string, value: unknown): string {
  const time = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(time)) throw badRequest(`${name} must be an instant such as 2026-11-28T20:00:00Z.`);
  return String(time);
}

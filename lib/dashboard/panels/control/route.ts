import { isErrorOf } from '../../../errors/telemetry.error.js';
import { OVERRIDE_LEVELS } from '../../../logging/level-overrides.js';
import { currentRuntime } from '../../../runtime/sdk-runtime.js';
import {
  CHANGE_KINDS,
  type ChangeKind,
  MINUTES,
  type TemporaryChange,
  type TemporaryChanges,
} from '../../../runtime/temporary-changes.js';
import { checkMayChange, readVisitor, whyNoChanges } from '../../access/may-change.js';
import { type ApiCall, defineRoutes } from '../../api/route.js';
import { badRequest, DashboardError } from '../../http/dashboard-error.js';
import { readJson } from '../../http/read-body.js';
import { type CancelAnswer, type ControlAnswer, type ControlApi } from './query.js';

const MAX_BODY = 4_096;
const MAX_PROVIDERS = 500;
const NOTHING_RUNS =
  'No telemetry runs in the process that serves this page. Open the page of the application to change it.';

export const controlRoutes = defineRoutes<ControlApi>({
  'GET control': {
    doc: '`ControlAnswer`: the active changes of the process that serves the page, and what can be changed.',
    handle: askControl,
  },
  'POST control/changes': {
    doc: 'Changes telemetry of this process for a time: `{ kind, target, value, minutes }`, with `kind` `log-level` (`target`: a context, or none for all; `value`: a level), `sampling-ratio` (`value`: 0 to 1) or `provider-spans` (`target`: a class). `minutes`: default 15, at most 1,440. The answer is the `ChangeAnswer`.',
    handle: begin,
  },
  'POST control/cancel': {
    doc: 'Ends a change now: `{ id }`.',
    handle: cancel,
  },
});

function askControl({ context }: ApiCall): ControlAnswer {
  const runtime = currentRuntime();
  return {
    pid: process.pid,
    refused: whyNoChanges(context) ?? (runtime === undefined ? NOTHING_RUNS : undefined),
    changes: runtime?.changes.list() ?? [],
    levels: OVERRIDE_LEVELS,
    samplingRatio: runtime?.samplingRatio?.ratio,
    providers: (runtime?.changes.providers() ?? []).slice(0, MAX_PROVIDERS),
    minutes: MINUTES,
  };
}

async function begin({ context, request }: ApiCall): Promise<TemporaryChange> {
  checkMayChange(context);
  const { kind, target, value, minutes } = await readFields(request);
  if (!CHANGE_KINDS.includes(kind as ChangeKind))
    throw badRequest(`kind must be one of ${CHANGE_KINDS.join(', ')}.`);
  if (target !== undefined && typeof target !== 'string') throw badRequest('target must be a text.');
  if (value !== undefined && typeof value !== 'string' && typeof value !== 'number')
    throw badRequest('value must be a text or a number.');
  if (minutes !== undefined && typeof minutes !== 'number') throw badRequest('minutes must be a number.');
  try {
    return changesOf().begin({ kind: kind as ChangeKind, target, value, minutes, by: readVisitor(request) });
  } catch (error) {
    throw isErrorOf(error, 'TELEMETRY_CHANGE_REFUSED') ? badRequest(error.message) : error;
  }
}

async function cancel({ context, request }: ApiCall): Promise<CancelAnswer> {
  checkMayChange(context);
  const { id } = await readFields(request);
  if (typeof id !== 'string') throw badRequest('id must be a text.');
  if (!changesOf().cancel(id, readVisitor(request)))
    throw new DashboardError(404, 'No active change has this id: it may have ended.');
  return { cancelled: id };
}

function changesOf(): TemporaryChanges {
  const runtime = currentRuntime();
  if (runtime === undefined) throw new DashboardError(503, NOTHING_RUNS);
  return runtime.changes;
}

async function readFields(request: ApiCall['request']): Promise<Readonly<Record<string, unknown>>> {
  const body = await readJson(request, MAX_BODY);
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw badRequest('Send an object.');
  return body as Readonly<Record<string, unknown>>;
}

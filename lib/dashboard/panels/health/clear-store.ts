import { context, ROOT_CONTEXT } from '@opentelemetry/api';

import { CONTROL_CONTEXT } from '../../../logging/level-overrides.js';
import { writeOwnLine } from '../../../logging/own-lines.js';
import { TelemetryLogger } from '../../../logging/telemetry-logger.js';
import { checkMayChange, readVisitor } from '../../access/may-change.js';
import { type ApiCall } from '../../api/route.js';
import { badRequest, DashboardError } from '../../http/dashboard-error.js';
import { readJson } from '../../http/read-body.js';
import { type ClearAnswer } from './query.js';

const MAX_BODY = 4_096;
const MAX_SERVICE = 1_000;

/**
 * Deletes what is stored, of all services or of one that is gone, and logs who asked for it.
 *
 * @throws DashboardError 400 for another body, 403 where the page changes nothing, 404 where nothing can be deleted, 409 with the reason
 */
export async function clearStore({ context: dashboard, request }: ApiCall): Promise<ClearAnswer> {
  checkMayChange(dashboard);
  const { sink } = dashboard;
  if (sink === undefined)
    throw new DashboardError(404, 'The database behind this page is read only: nothing can be deleted.');
  const body = await readJson(request, MAX_BODY);
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw badRequest('Send an object.');
  const { service, all } = body as Readonly<Record<string, unknown>>;
  const isService = typeof service === 'string' && service !== '' && service.length <= MAX_SERVICE;
  // Nothing is deleted because a name was forgotten.
  if (isService === (all === true) || (service !== undefined && !isService))
    throw badRequest('Send { "all": true }, or { "service": … } with the name of a service that is gone.');
  const reason = await sink.clear(isService ? service : undefined);
  if (reason !== undefined) throw new DashboardError(409, reason);
  writeAuditLine(isService ? service : undefined, readVisitor(request));
  return { cleared: isService ? service : null };
}

/** Outside of any context: lines of a request of the dashboard would not be stored or exported. */
function writeAuditLine(service: string | undefined, by: string): void {
  const what = service === undefined ? 'Everything' : `What was stored of ${service}`;
  context.with(ROOT_CONTEXT, () => {
    writeOwnLine('warn', () => {
      new TelemetryLogger(CONTROL_CONTEXT).logWarning(`${what} was deleted from the store by ${by}`, {
        event: 'store is cleared',
        service: service ?? null,
        by,
      });
    });
  });
}

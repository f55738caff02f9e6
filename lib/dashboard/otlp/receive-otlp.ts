import { type Steps } from '../steps.js';
import { type TelemetryStore } from '../sqlite/store.js';
import { type DashboardParts } from '../dashboard-context.interface.js';
import { badRequest, DashboardError } from '../http/dashboard-error.js';
import { type HttpRequest, type HttpResponse } from '../http/http-exchange.interface.js';
import { BodyQuota, readPackedBody, unpack } from '../http/read-body.js';
import { addRows } from './add-rows.js';
import { answerFailure, answerSuccess, type OtlpForm, type OtlpSignal } from './answer-otlp.js';
import { decodeProtobufInSteps } from './decode-protobuf.js';
import { OTLP_REQUESTS } from './otlp-messages.constants.js';
import { parseJsonInSteps } from './parse-json.js';
import { ProtobufError } from './protobuf-reader.js';
import { type ReadItems } from './read-items.js';
import { readLogRows } from './read-logs.js';
import { PointReader } from './read-points.js';
import { readSpanRows } from './read-spans.js';
import { RequestBudget } from './request-budget.js';
import { RequestGate } from './request-gate.js';

type Fields = Readonly<Record<string, unknown>>;

/** What collectors take by default is less. */
const MAX_BODY = 16 * 1_024 * 1_024;

const points = new PointReader();
const gate = new RequestGate();
const quota = new BodyQuota(4 * MAX_BODY);

/**
 * Takes telemetry of other services, as OTLP over HTTP has it: JSON or protobuf, packed or not. What cannot be taken is answered with
 * a `Status` of OTLP and the reason.
 *
 * @param path below `<path>/otlp/`
 * @throws DashboardError 404 where it is switched off, 405 and 415 for what is no OTLP
 */
export async function receiveOtlp(
  path: string,
  { config, store }: DashboardParts,
  request: HttpRequest,
  response: HttpResponse,
): Promise<void> {
  if (!config.otlp) throw new DashboardError(404, 'OTLP is not taken here. Set dashboard.otlp to take it.');
  const signal = /^v1\/(traces|metrics|logs)$/.exec(path)?.[1] as OtlpSignal | undefined;
  if (signal === undefined)
    throw new DashboardError(404, 'OTLP is taken on v1/traces, v1/metrics and v1/logs.');
  if (request.method !== 'POST') throw new DashboardError(405, 'OTLP is sent with POST.');
  const form = formOf(request.headers['content-type']);
  try {
    const read = await gate.pass((enter) => receive(signal, form, store, request, enter));
    answerSuccess(response, signal, form, read);
  } catch (error) {
    if (!(error instanceof DashboardError)) throw error;
    answerFailure(response, form, error);
  }
}

/** @throws DashboardError 415 when it is neither */
function formOf(header: string | undefined): OtlpForm {
  const type = (header ?? '').split(';')[0]?.trim().toLowerCase();
  if (type === 'application/json') return 'json';
  if (type === 'application/x-protobuf') return 'protobuf';
  throw new DashboardError(415, 'Send OTLP as application/json or application/x-protobuf.');
}

async function receive(
  signal: OtlpSignal,
  form: OtlpForm,
  store: TelemetryStore,
  request: HttpRequest,
  enter: <T>(decode: () => Promise<T>) => Promise<T>,
): Promise<ReadItems<unknown>> {
  let held = 0;
  try {
    const packed = await readPackedBody(request, MAX_BODY, {
      onBytes: (bytes) => {
        held += bytes;
        quota.take(bytes);
      },
    });
    return await enter(async () => takeItems(signal, form, store, await unpack(packed, request, MAX_BODY)));
  } finally {
    quota.give(held);
  }
}

async function takeItems(
  signal: OtlpSignal,
  form: OtlpForm,
  store: TelemetryStore,
  body: Buffer,
): Promise<ReadItems<unknown>> {
  const budget = new RequestBudget();
  const request = await store.work(decode(body, signal, form, budget));
  if (signal === 'traces') {
    const spans = await store.work(readSpanRows(request, budget));
    return addRows(store, spans, (span) => {
      store.addSpan(span);
    });
  }
  if (signal === 'logs') {
    const logs = await store.work(readLogRows(request, budget));
    return addRows(store, logs, (log) => {
      store.addLog(log);
    });
  }
  const measured = await store.work(points.readPointRows(request, budget));
  return addRows(store, measured, (point) => {
    store.addPoints([point]);
  });
}

function* decode(body: Buffer, signal: OtlpSignal, form: OtlpForm, budget: RequestBudget): Steps<Fields> {
  if (form === 'json') {
    const value = yield* parseJsonInSteps(body, budget);
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw badRequest('The body must be a JSON object.');
    return value as Fields;
  }
  try {
    return yield* decodeProtobufInSteps(body, OTLP_REQUESTS[signal], budget);
  } catch (error) {
    if (error instanceof ProtobufError || error instanceof RangeError)
      throw badRequest(`The body is no OTLP request for ${signal}: ${error.message}.`);
    throw error;
  }
}

import { type Steps } from '../steps.js';
import { type DashboardContext, type TelemetrySink } from '../dashboard-context.interface.js';
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

/** Where telemetry is stored, and how work is done in turns. */
type Target = Pick<DashboardContext, 'work'> & { readonly sink: TelemetrySink };

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
  { config, sink, work }: DashboardContext,
  request: HttpRequest,
  response: HttpResponse,
): Promise<void> {
  if (!config.otlp)
    throw new DashboardError(404, 'This dashboard does not receive OTLP. Set dashboard.otlp to receive it.');
  if (sink === undefined)
    throw new DashboardError(404, 'The database behind this page is read only: send OTLP to its collector.');
  const signal = /^v1\/(traces|metrics|logs)$/.exec(path)?.[1] as OtlpSignal | undefined;
  if (signal === undefined)
    throw new DashboardError(404, 'OTLP is taken on v1/traces, v1/metrics and v1/logs.');
  if (request.method !== 'POST') throw new DashboardError(405, 'OTLP is sent with POST.');
  const form = formOf(request.headers['content-type']);
  try {
    const read = await gate.pass((enter) => receive(signal, form, { sink, work }, request, enter));
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
  target: Target,
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
    return await enter(async () => takeItems(signal, form, target, await unpack(packed, request, MAX_BODY)));
  } finally {
    quota.give(held);
  }
}

async function takeItems(
  signal: OtlpSignal,
  form: OtlpForm,
  target: Target,
  body: Buffer,
): Promise<ReadItems<unknown>> {
  const { sink, work } = target;
  const budget = new RequestBudget();
  const request = await work(decode(body, signal, form, budget));
  if (signal === 'traces') {
    const spans = await work(readSpanRows(request, budget));
    return addRows(sink, spans, (span) => {
      sink.addSpan(span);
    });
  }
  if (signal === 'logs') {
    const logs = await work(readLogRows(request, budget));
    return addRows(sink, logs, (log) => {
      sink.addLog(log);
    });
  }
  const measured = await work(points.readPointRows(request, budget));
  return addRows(sink, measured, (point) => {
    sink.addPoints([point]);
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

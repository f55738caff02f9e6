import { isProtobufError } from '../../engine/encoding/protobuf-reader.js';
import { type DashboardContext, type TelemetrySink } from '../dashboard-context.interface.js';
import { badRequest, DashboardError } from '../http/dashboard-error.js';
import { type HttpRequest, type HttpResponse } from '../http/http-exchange.interface.js';
import { BodyQuota, readPackedBody, unpack } from '../http/read-body.js';
import { sendData, sendJson } from '../http/respond.js';
import { type Steps } from '../steps.js';
import { decodeProtobuf } from './decode-protobuf.js';
import { OTLP_REQUESTS, type OtlpSignal } from './otlp-messages.constants.js';
import { parseJsonInSteps } from './parse-json.js';
import { type ReadItems } from './read-items.js';
import { readLogRows } from './read-logs.js';
import { PointReader } from './read-points.js';
import { readSpanRows } from './read-spans.js';
import { RequestBudget, RequestGate } from './request-limits.js';

/** Where telemetry is stored, and how work is done in turns. */
type Target = Pick<DashboardContext, 'work'> & { readonly sink: TelemetrySink };

type Fields = Readonly<Record<string, unknown>>;

/** What collectors take by default is less. */
const MAX_BODY = 16 * 1_024 * 1_024;

const points = new PointReader();
const gate = new RequestGate();
const quota = new BodyQuota(4 * MAX_BODY);

/**
 * Takes telemetry of other services, by OTLP over HTTP: JSON or protobuf, compressed or not.
 *
 * @param path below `<path>/otlp/`
 * @throws DashboardError 404 where it is switched off, 405 and 415 for what is no OTLP; for what cannot be taken
 * with a `Status` of OTLP as its body
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
    throw statusOf(error, form);
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
  { sink, work }: Target,
  body: Buffer,
): Promise<ReadItems<unknown>> {
  const budget = new RequestBudget();
  const request = await work(decode(body, signal, form, budget));
  const take = async <Row>(rows: Steps<ReadItems<Row>>, add: (row: Row) => void) =>
    addRows(sink, await work(rows), add);
  if (signal === 'traces')
    return take(readSpanRows(request, budget), (span) => {
      sink.addSpan(span);
    });
  if (signal === 'logs')
    return take(readLogRows(request, budget), (log) => {
      sink.addLog(log);
    });
  return take(points.readPointRows(request, budget), (point) => {
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
    return yield* decodeProtobuf(body, OTLP_REQUESTS[signal], budget);
  } catch (error) {
    if (isProtobufError(error) || error instanceof RangeError)
      throw badRequest(`The body is no OTLP request for ${signal}: ${error.message}.`);
    throw error;
  }
}

/** How a request is written; its answer is written the same way. */
type OtlpForm = 'json' | 'protobuf';

/** How what was left out is counted in the answer. */
const REJECTED: Readonly<Record<OtlpSignal, string>> = {
  traces: 'rejectedSpans',
  metrics: 'rejectedDataPoints',
  logs: 'rejectedLogRecords',
};

/** Codes of `google.rpc.Status` by the status of HTTP. */
const STATUS_CODES: Readonly<Record<number, number>> = { 408: 4, 413: 8, 429: 8, 503: 14 };
const INVALID_ARGUMENT = 3;
const PROTOBUF = { 'content-type': 'application/x-protobuf' };

/** An empty message says that everything was taken; a reason without rejected items is a warning. */
function answerSuccess(
  response: HttpResponse,
  signal: OtlpSignal,
  form: OtlpForm,
  { rejected, reason }: ReadItems<unknown>,
): void {
  const isWhole = rejected === 0 && reason === '';
  if (form === 'json') {
    const partialSuccess = { [REJECTED[signal]]: String(rejected), errorMessage: reason };
    sendJson(response, 200, isWhole ? {} : { partialSuccess });
    return;
  }
  sendData(response, 200, isWhole ? new Uint8Array() : encodePartialSuccess(rejected, reason), PROTOBUF);
}

/** Why nothing was taken, as a `Status` in the form of the request. */
function statusOf({ status, message, headers }: DashboardError, form: OtlpForm): DashboardError {
  const code = STATUS_CODES[status] ?? INVALID_ARGUMENT;
  return form === 'json'
    ? new DashboardError(status, message, headers, JSON.stringify({ code, message }))
    : new DashboardError(status, message, { ...headers, ...PROTOBUF }, encodeMessage(code, message));
}

/** `partial_success = 1 { rejected = 1; error_message = 2 }` of each response. */
function encodePartialSuccess(rejected: number, reason: string): Uint8Array {
  const inner = encodeMessage(rejected, reason);
  return Buffer.concat([Buffer.from([0x0a, ...varint(inner.length)]), inner]);
}

/** A message with a number as its field 1 and a text as its field 2. */
function encodeMessage(number: number, text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([0x08, ...varint(number), 0x12, ...varint(bytes.length)]), bytes]);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) + 0x80);
  return [...bytes, rest];
}

/** Rows that are added before others have their turn. */
const SLICE = 1_000;
/** Rows that may wait in the store while further ones are added: the application's own need room, too. */
const MAX_QUEUED = 10_000;
/** A store that is not written for so long refuses further rows. */
const MAX_WAIT_MS = 10_000;
const LOOK_EVERY_MS = 10;

/** Adds rows no faster than the store writes them; those that it refuses are counted as rejected. */
export async function addRows<Row>(
  store: TelemetrySink,
  { rows, rejected, reason }: ReadItems<Row>,
  add: (row: Row) => void,
): Promise<ReadItems<Row>> {
  let refused = 0;
  for (let from = 0; from < rows.length; from += SLICE) {
    await waitForRoom(store);
    const before = store.dropped;
    for (const row of rows.slice(from, from + SLICE)) add(row);
    refused += store.dropped - before;
  }
  if (refused === 0) return { rows, rejected, reason };
  return { rows, rejected: rejected + refused, reason: 'the store is full for the moment' };
}

async function waitForRoom(store: TelemetrySink): Promise<void> {
  const until = performance.now() + MAX_WAIT_MS;
  while (store.queued > MAX_QUEUED && performance.now() < until)
    await new Promise((resolve) => {
      setTimeout(resolve, LOOK_EVERY_MS);
    });
}

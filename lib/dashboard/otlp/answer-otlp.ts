import { type DashboardError } from '../http/dashboard-error.js';
import { type HttpResponse } from '../http/http-exchange.interface.js';
import { closingHead, sendData, sendJson } from '../http/send.js';
import { type OTLP_REQUESTS } from './otlp-messages.constants.js';
import { type ReadItems } from './read-items.js';

export type OtlpSignal = keyof typeof OTLP_REQUESTS;

/** How a request is written; its answer is written the same way. */
export type OtlpForm = 'json' | 'protobuf';

/** How what was left out is counted in the answer. */
const REJECTED: Readonly<Record<OtlpSignal, string>> = {
  traces: 'rejectedSpans',
  metrics: 'rejectedDataPoints',
  logs: 'rejectedLogRecords',
};

/** Codes of `google.rpc.Status` by the status of HTTP. */
const STATUS_CODES: Readonly<Record<number, number>> = { 408: 4, 413: 8, 429: 8, 503: 14 };
const INVALID_ARGUMENT = 3;

/** An empty message says that everything was taken; a reason without rejected items is a warning. */
export function answerSuccess(
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
  sendProtobuf(response, 200, isWhole ? new Uint8Array() : encodePartialSuccess(rejected, reason));
}

/** Why nothing was taken, as a `Status`. */
export function answerFailure(response: HttpResponse, form: OtlpForm, error: DashboardError): void {
  const { status, message } = error;
  const code = STATUS_CODES[status] ?? INVALID_ARGUMENT;
  const head = { ...error.headers, ...closingHead(status) };
  if (form === 'json') sendJson(response, status, { code, message }, head);
  else sendProtobuf(response, status, encodeMessage(code, message), head);
}

function sendProtobuf(response: HttpResponse, status: number, body: Uint8Array, head = {}): void {
  sendData(response, status, body, { 'content-type': 'application/x-protobuf', ...head });
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

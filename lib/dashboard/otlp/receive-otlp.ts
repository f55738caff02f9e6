import { type DashboardParts } from '../dashboard-parts.interface.js';
import { badRequest, DashboardError } from '../http/dashboard-error.js';
import { type HttpRequest, type HttpResponse } from '../http/http-exchange.interface.js';
import { parseJson, readBody } from '../http/read-body.js';
import { sendData, sendJson } from '../http/send.js';
import { decodeProtobuf } from './decode-protobuf.js';
import { OTLP_REQUESTS } from './otlp-messages.constants.js';
import { ProtobufError } from './protobuf-reader.js';
import { readLogRows } from './read-logs.js';
import { PointReader } from './read-points.js';
import { type ReadItems, readSpanRows } from './read-spans.js';

type Signal = keyof typeof OTLP_REQUESTS;

/** What collectors take by default is less. */
const MAX_BODY = 16 * 1_024 * 1_024;

/** How what was left out is counted in the answer. */
const REJECTED: Readonly<Record<Signal, string>> = {
  traces: 'rejectedSpans',
  metrics: 'rejectedDataPoints',
  logs: 'rejectedLogRecords',
};

const points = new PointReader();

/**
 * Takes telemetry of other services, as OTLP over HTTP has it: JSON or protobuf, packed or not.
 *
 * @param path below `<path>/otlp/`
 * @throws DashboardError 404 where it is switched off, 400 with the reason for a body that is none, 413 for one that is too long
 */
export async function receiveOtlp(
  path: string,
  { config, store }: DashboardParts,
  request: HttpRequest,
  response: HttpResponse,
): Promise<void> {
  if (!config.otlp) throw new DashboardError(404, 'OTLP is not taken here. Set dashboard.otlp to take it.');
  const signal = /^v1\/(traces|metrics|logs)$/.exec(path)?.[1] as Signal | undefined;
  if (signal === undefined)
    throw new DashboardError(404, 'OTLP is taken on v1/traces, v1/metrics and v1/logs.');
  if (request.method !== 'POST') throw new DashboardError(405, 'OTLP is sent with POST.');
  const isJson = isJsonType(request.headers['content-type']);
  const body = decode(await readBody(request, MAX_BODY), signal, isJson);
  let read: ReadItems<unknown>;
  if (signal === 'traces') {
    const spans = readSpanRows(body);
    for (const row of spans.rows) store.addSpan(row);
    read = spans;
  } else if (signal === 'logs') {
    const logs = readLogRows(body);
    for (const row of logs.rows) store.addLog(row);
    read = logs;
  } else {
    const measured = points.readPointRows(body);
    store.addPoints(measured.rows);
    read = measured;
  }
  answer(response, signal, read, isJson);
}

/** @throws DashboardError 415 when it is neither */
function isJsonType(header: string | undefined): boolean {
  const type = (header ?? '').split(';')[0]?.trim().toLowerCase();
  if (type === 'application/json') return true;
  if (type === 'application/x-protobuf') return false;
  throw new DashboardError(415, 'Send OTLP as application/json or application/x-protobuf.');
}

function decode(body: Buffer, signal: Signal, isJson: boolean): Readonly<Record<string, unknown>> {
  if (isJson) {
    const value = parseJson(body);
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw badRequest('The body must be a JSON object.');
    return value as Readonly<Record<string, unknown>>;
  }
  try {
    return decodeProtobuf(body, OTLP_REQUESTS[signal]);
  } catch (error) {
    if (error instanceof ProtobufError || error instanceof RangeError)
      throw badRequest(`The body is no OTLP request for ${signal}: ${error.message}.`);
    throw error;
  }
}

/** An empty message says that everything was taken. */
function answer(
  response: HttpResponse,
  signal: Signal,
  { rejected, reason }: ReadItems<unknown>,
  isJson: boolean,
): void {
  if (isJson) {
    const partialSuccess = { [REJECTED[signal]]: String(rejected), errorMessage: reason };
    sendJson(response, 200, rejected === 0 ? {} : { partialSuccess });
    return;
  }
  sendData(response, 200, rejected === 0 ? new Uint8Array() : encodePartialSuccess(rejected, reason), {
    'content-type': 'application/x-protobuf',
  });
}

/** `partial_success = 1 { rejected = 1; error_message = 2 }` of each response. */
function encodePartialSuccess(rejected: number, reason: string): Uint8Array {
  const message = Buffer.from(reason);
  const inner = Buffer.concat([
    Buffer.from([0x08, ...varint(rejected), 0x12, ...varint(message.length)]),
    message,
  ]);
  return Buffer.concat([Buffer.from([0x0a, ...varint(inner.length)]), inner]);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) + 0x80);
  return [...bytes, rest];
}

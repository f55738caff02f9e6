import { type Steps, takeAllSteps } from '../steps.js';
import { type FieldType, type Message } from './otlp-messages.constants.js';
import { ProtobufError, ProtobufReader, WIRE } from './protobuf-reader.js';
import { RequestBudget } from './request-budget.js';

/** Values within values; OTLP itself needs eight. */
const MAX_DEPTH = 64;
/** Numbers in one packed list: buckets and bounds of a histogram. */
const MAX_PACKED = 10_000;
/** Lists whose elements become rows. */
const ROW_LISTS: ReadonlySet<string> = new Set(['spans', 'logRecords', 'dataPoints']);

/** A message that is being read. */
interface OpenMessage {
  readonly reader: ProtobufReader;
  readonly message: Message;
  readonly decoded: Record<string, unknown>;
}

/**
 * What a protobuf message says, in the form OTLP has in JSON. Fields that are not known are left out.
 *
 * @throws ProtobufError when it is no such message
 */
export function decodeProtobuf(bytes: Buffer, message: Message): Record<string, unknown> {
  return takeAllSteps(decodeProtobufInSteps(bytes, message, new RequestBudget()));
}

/**
 * The same in steps, and without recursion, so that it can stop anywhere.
 *
 * @throws ProtobufError when it is no such message, DashboardError 413 beyond the budget
 */
export function* decodeProtobufInSteps(
  bytes: Buffer,
  message: Message,
  budget: RequestBudget,
): Steps<Record<string, unknown>> {
  const root: Record<string, unknown> = {};
  let rows = 0;
  const open: OpenMessage[] = [{ reader: new ProtobufReader(bytes), message, decoded: root }];
  for (let current = open.at(-1); current !== undefined; current = open.at(-1)) {
    const { reader, decoded } = current;
    if (reader.isAtEnd) {
      open.pop();
      continue;
    }
    budget.takeValues();
    if (budget.isOver) yield* budget.pass();
    const tag = reader.tag();
    const wire = tag % 8;
    const known = current.message[(tag - wire) / 8];
    if (known === undefined) {
      reader.skip(wire);
      continue;
    }
    const [name, type, repeated] = known;
    if (typeof type === 'string') {
      if (repeated === undefined) decoded[name] = decodeField(reader, type, wire);
      else decodeList(reader, type, wire, (decoded[name] ??= []) as unknown[], budget);
      continue;
    }
    if (wire !== WIRE.bytes) throw wrongType();
    if (open.length > MAX_DEPTH) throw new ProtobufError('values are nested too deeply');
    const child: Record<string, unknown> = {};
    if (repeated === undefined) decoded[name] = child;
    else {
      if (ROW_LISTS.has(name)) budget.checkRows((rows += 1));
      ((decoded[name] ??= []) as unknown[]).push(child);
    }
    open.push({ reader: reader.message(), message: type(), decoded: child });
  }
  return root;
}

/** Numbers may be written one by one, or packed. */
function decodeList(
  reader: ProtobufReader,
  type: FieldType,
  wire: number,
  list: unknown[],
  budget: RequestBudget,
): void {
  if (wire !== WIRE.bytes || wireOf(type) === WIRE.bytes) {
    list.push(decodeField(reader, type, wire));
    return;
  }
  const packed = reader.message();
  while (!packed.isAtEnd) {
    if (list.length >= MAX_PACKED) throw new ProtobufError(`a list has more than ${MAX_PACKED} numbers`);
    budget.takeValues();
    list.push(decodeScalar(packed, type));
  }
}

function decodeField(reader: ProtobufReader, type: FieldType, wire: number): unknown {
  if (wire !== wireOf(type)) throw wrongType();
  return decodeScalar(reader, type);
}

function wrongType(): ProtobufError {
  return new ProtobufError('a field is not of the type it has in OTLP');
}

function decodeScalar(reader: ProtobufReader, type: FieldType): unknown {
  switch (type) {
    case 'string':
      return reader.text('utf8');
    case 'bytes':
      return reader.text('base64');
    case 'id':
      return reader.text('hex');
    case 'bool':
      return reader.varint() !== 0n;
    case 'uint32':
      return Number(BigInt.asUintN(32, reader.varint()));
    case 'sint32':
      return zigzag(Number(BigInt.asUintN(32, reader.varint())));
    case 'int64':
      return String(BigInt.asIntN(64, reader.varint()));
    case 'fixed64':
      return String(reader.fixed64());
    case 'sfixed64':
      return String(BigInt.asIntN(64, reader.fixed64()));
    case 'double':
      return reader.double();
  }
}

function wireOf(type: FieldType): number {
  switch (type) {
    case 'string':
    case 'bytes':
    case 'id':
      return WIRE.bytes;
    case 'fixed64':
    case 'sfixed64':
    case 'double':
      return WIRE.fixed64;
    default:
      return WIRE.varint;
  }
}

function zigzag(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

import { ProtobufError, ProtobufReader, WIRE } from '../../engine/encoding/protobuf-reader.js';
import { type Steps } from '../steps.js';
import { type FieldType, type Message } from './otlp-messages.constants.js';
import { type RequestBudget } from './request-limits.js';

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
 * Decodes a protobuf message into the form of OTLP's JSON. Fields that are not known are left out. In steps, and without recursion,
 * so that it can stop anywhere.
 *
 * @throws ProtobufError when it is no such message, DashboardError 413 beyond the budget
 */
export function* decodeProtobuf(
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
    list.push(SCALARS[type](packed));
  }
}

function decodeField(reader: ProtobufReader, type: FieldType, wire: number): unknown {
  if (wire !== wireOf(type)) throw wrongType();
  return SCALARS[type](reader);
}

function wrongType(): ProtobufError {
  return new ProtobufError('a field is not of the type it has in OTLP');
}

const SCALARS: Readonly<Record<FieldType, (reader: ProtobufReader) => unknown>> = {
  string: (reader) => reader.text('utf8'),
  bytes: (reader) => reader.text('base64'),
  id: (reader) => reader.text('hex'),
  bool: (reader) => reader.varint() !== 0n,
  uint32: (reader) => Number(BigInt.asUintN(32, reader.varint())),
  sint32: (reader) => zigzag(Number(BigInt.asUintN(32, reader.varint()))),
  int64: (reader) => String(BigInt.asIntN(64, reader.varint())),
  fixed64: (reader) => String(reader.fixed64()),
  sfixed64: (reader) => String(BigInt.asIntN(64, reader.fixed64())),
  double: (reader) => reader.double(),
};

function wireOf(type: FieldType): number {
  if (type === 'string' || type === 'bytes' || type === 'id') return WIRE.bytes;
  return type === 'fixed64' || type === 'sfixed64' || type === 'double' ? WIRE.fixed64 : WIRE.varint;
}

function zigzag(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

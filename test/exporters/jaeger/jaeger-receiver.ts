import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { type AddressInfo } from 'node:net';
import { join } from 'node:path';

import { decodeCompact, type ThriftStruct, type ThriftValue } from './decode-compact.js';

/** A batch as Jaeger would read it. */
export interface JaegerBatch {
  readonly serviceName: string;
  readonly processTags: Record<string, unknown>;
  readonly spans: JaegerSpan[];
}

export interface JaegerSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly tags: Record<string, unknown>;
  readonly logs: Record<string, unknown>[];
}

export interface UdpReceiver {
  readonly port: number;
  readonly datagrams: Buffer[];
  close(): Promise<void>;
}

export async function startUdpReceiver(port = 0): Promise<UdpReceiver> {
  const datagrams: Buffer[] = [];
  let closed = false;
  const socket = createSocket({ type: 'udp4', recvBufferSize: 1_000_000 });
  socket.on('message', (datagram) => datagrams.push(datagram));
  socket.bind(port, '127.0.0.1');
  await once(socket, 'listening');
  return {
    port: socket.address().port,
    datagrams,
    close: async () => {
      if (closed) return;
      closed = true;
      socket.close();
      await once(socket, 'close');
    },
  };
}

export interface ThriftHttpReceiver {
  readonly url: string;
  readonly requests: {
    path: string;
    authorization: string | undefined;
    contentType: string | undefined;
    body: Buffer;
  }[];
  close(): Promise<void>;
}

/** @param answer the status to answer with, or `never` */
export async function startThriftHttpReceiver(answer: number | 'never' = 202): Promise<ThriftHttpReceiver> {
  const requests: ThriftHttpReceiver['requests'] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { authorization, 'content-type': contentType } = request.headers;
      requests.push({ path: request.url ?? '', authorization, contentType, body: Buffer.concat(chunks) });
      if (answer !== 'never') response.writeHead(answer).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/traces`,
    requests,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** Reads the argument of `emitBatch` by field ids of jaeger.thrift, from the compact protocol. */
export function readCompactDatagram(datagram: Buffer): JaegerBatch {
  const { type, name, body } = decodeCompact(datagram);
  if (type !== 4 || name !== 'emitBatch')
    throw new Error(`expected the oneway call emitBatch, got ${type} ${name}`);
  const batch = body[1] as ThriftStruct;
  const process = batch[1] as ThriftStruct;
  return {
    serviceName: asText(process[1]),
    processTags: tagsOf(process[2]),
    spans: (batch[2] as ThriftStruct[]).map((span) => ({
      traceId: hex(span[2]) + hex(span[1]),
      spanId: hex(span[3]),
      parentSpanId: hex(span[4]),
      name: asText(span[5]),
      tags: tagsOf(span[10]),
      logs: (span[11] as ThriftStruct[]).map((log) => tagsOf(log[2])),
    })),
  };
}

interface ThriftTag {
  key: string;
  vType: string;
  vStr: string;
  vDouble: number;
  vBool: boolean;
}

interface ThriftBatch {
  process: { serviceName: string; tags: ThriftTag[] };
  spans: {
    traceIdLow: Buffer;
    traceIdHigh: Buffer;
    spanId: Buffer;
    parentSpanId: Buffer;
    operationName: string;
    tags: ThriftTag[];
    logs: { fields: ThriftTag[] }[];
  }[];
}

interface BinaryReader<Result> {
  fromBuffer(bytes: Buffer): { value: Result };
}

interface ThriftDefinitions {
  Thrift: new (options: object) => {
    Agent: {
      emitBatch: {
        argumentsMessageRW: {
          readFrom(bytes: Buffer, offset: number): { value: { body: { batch: ThriftBatch } } };
        };
      };
    };
    Batch: { rw: BinaryReader<ThriftBatch> };
  };
}

const fromJaegerExporter = createRequire(
  createRequire(join(process.cwd(), 'package.json')).resolve('@opentelemetry/exporter-jaeger'),
);
const { Thrift } = createRequire(fromJaegerExporter.resolve('jaeger-client'))(
  'thriftrw',
) as ThriftDefinitions;
const jaegerClient = join(fromJaegerExporter.resolve('jaeger-client'), '..');
const definition = (file: string): InstanceType<ThriftDefinitions['Thrift']> =>
  new Thrift({
    entryPoint: join(jaegerClient, file),
    allowOptionalArguments: true,
    allowFilesystemAccess: true,
  });

/** Reads a datagram by Jaeger's own definition of the agent, with thriftrw. */
export function readBinaryDatagram(datagram: Buffer): JaegerBatch {
  const { argumentsMessageRW } = definition('thriftrw-idl/agent.thrift').Agent.emitBatch;
  return fromDefinition(argumentsMessageRW.readFrom(datagram, 0).value.body.batch);
}

/** Reads the body of a request to `/api/traces`, with thriftrw. */
export function readHttpBatch(body: Buffer): JaegerBatch {
  return fromDefinition(definition('jaeger-idl/thrift/jaeger.thrift').Batch.rw.fromBuffer(body).value);
}

function fromDefinition({ process, spans }: ThriftBatch): JaegerBatch {
  return {
    serviceName: process.serviceName,
    processTags: namedTags(process.tags),
    spans: spans.map((span) => ({
      traceId: span.traceIdHigh.toString('hex') + span.traceIdLow.toString('hex'),
      spanId: span.spanId.toString('hex'),
      parentSpanId: span.parentSpanId.toString('hex'),
      name: span.operationName,
      tags: namedTags(span.tags),
      logs: span.logs.map(({ fields }) => namedTags(fields)),
    })),
  };
}

function namedTags(tags: ThriftTag[]): Record<string, unknown> {
  return Object.fromEntries(
    tags.map(({ key, vType, vStr, vDouble, vBool }) => [
      key,
      vType === 'STRING' ? vStr : vType === 'BOOL' ? vBool : vDouble,
    ]),
  );
}

/** Tag types of jaeger.thrift: 0 string, 1 double, 2 bool. */
function tagsOf(tags: ThriftValue | undefined): Record<string, unknown> {
  return Object.fromEntries(
    (tags as ThriftStruct[]).map((tag) => [
      asText(tag[1]),
      tag[2] === 0 ? asText(tag[3]) : tag[2] === 1 ? tag[4] : tag[5],
    ]),
  );
}

function asText(value: ThriftValue | undefined): string {
  return (value as Buffer).toString();
}

function hex(value: ThriftValue | undefined): string {
  return BigInt.asUintN(64, value as bigint)
    .toString(16)
    .padStart(16, '0');
}

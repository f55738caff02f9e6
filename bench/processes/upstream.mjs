// What the application calls, as a process of its own: another service over HTTP, and PostgreSQL's wire protocol with one canned
// row, since only the client is measured. BENCH_POSTGRES_URL names a real server instead, with a table `items (id, stock)`.
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';

const TEXT_OID = 25;
const INT_OID = 23;

const int16 = (value) => Buffer.from([value >> 8, value & 0xff]);
const int32 = (value) => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
const message = (type, ...parts) => {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body]);
};
const column = (name, oid) =>
  Buffer.concat([Buffer.from(`${name}\0`), int32(0), int16(0), int32(oid), int16(-1), int32(-1), int16(0)]);
const value = (text) => Buffer.concat([int32(text.length), Buffer.from(text)]);

const READY = message('Z', Buffer.from('I'));
const GREETING = Buffer.concat([message('R', int32(0)), READY]);
const ROW = Buffer.concat([
  message('1'),
  message('2'),
  message('T', int16(2), column('id', TEXT_OID), column('stock', INT_OID)),
  message('D', int16(2), value('7'), value('42')),
  message('C', Buffer.from('SELECT 1\0')),
  READY,
]);
const SYNC = 'S'.charCodeAt(0);

/** Answers each Sync of the extended protocol with the same row. */
const database = createServer((socket) => {
  socket.setNoDelay(true);
  let received = Buffer.alloc(0);
  let greeted = false;
  socket.on('data', (chunk) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    for (;;) {
      const typeBytes = greeted ? 1 : 0;
      if (received.length < typeBytes + 4) return;
      const length = typeBytes + received.readInt32BE(typeBytes);
      if (received.length < length) return;
      if (!greeted) socket.write(GREETING);
      else if (received[0] === SYNC) socket.write(ROW);
      greeted = true;
      received = received.subarray(length);
    }
  });
  socket.on('error', () => socket.destroy());
});

const service = createHttpServer((request, response) => {
  request.resume();
  const body = JSON.stringify({ path: request.url, rate: 1.08 });
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body);
});
service.keepAliveTimeout = 60_000;

const listen = (server) =>
  new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.address().port)));

process.on('disconnect', () => process.exit(0));
const [databasePort, servicePort] = [await listen(database), await listen(service)];
process.send({
  command: 'listening',
  url: `http://127.0.0.1:${servicePort}`,
  database: process.env.BENCH_POSTGRES_URL ?? `postgres://bench@127.0.0.1:${databasePort}/orders`,
});

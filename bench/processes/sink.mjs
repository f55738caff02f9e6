// Swallows OTLP over HTTP as a process of its own, and counts what came: requests, bytes, and spans, metrics and log records.
import { createServer } from 'node:http';

/** Messages at the field path 1, 2, 2: spans, metrics or log records, since the three requests are built alike. */
function countItems(bytes, start, end, depth) {
  let count = 0;
  let at = start;
  const readVarint = () => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at++];
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  while (at < end) {
    const tag = readVarint();
    const wireType = tag % 8;
    if (wireType === 2) {
      const length = readVarint();
      if (Math.floor(tag / 8) === (depth === 0 ? 1 : 2)) {
        count += depth === 2 ? 1 : countItems(bytes, at, at + length, depth + 1);
      }
      at += length;
    } else if (wireType === 0) {
      readVarint();
    } else {
      at += wireType === 1 ? 8 : 4;
    }
  }
  return count;
}

const fresh = () => ({ requests: 0, bytes: 0, traces: 0, metrics: 0, logs: 0 });
let counted = fresh();

const server = createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const body = Buffer.concat(chunks);
    counted.requests += 1;
    counted.bytes += body.length;
    counted[request.url.slice('/v1/'.length)] += countItems(body, 0, body.length, 0);
    response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => process.send({ command: 'listening', port: server.address().port }));

process.on('message', ({ command }) => {
  if (command === 'take') {
    process.send({ command, ...counted });
    counted = fresh();
  }
});
process.on('disconnect', () => process.exit(0));

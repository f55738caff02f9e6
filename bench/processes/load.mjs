// The load generator, a process of its own. Written on sockets because a client that costs as much as the server would
// starve it on a small machine. Each command is one run over fresh keep-alive connections:
//   { port, connections, seconds, rate }   rate 0: every connection asks again at once; else requests per second in all,
//                                          and a latency counts from when the request was due, not from when it was sent
//   kind: { method, path, status, body }   what is asked for: GET /orders/:id unless given. A body is sent as JSON
//   mix: [{ path, status, every }]         every so manyth request goes there instead, and is answered with that status
import { connect } from 'node:net';
import { createHistogram } from 'node:perf_hooks';

const HEAD_END = Buffer.from('\r\n\r\n');

const ORDERS = { path: '/orders', status: 200 };

function writeRequest({ method = 'GET', path, body }, id) {
  const head = 'HTTP/1.1\r\nhost: bench\r\naccept: application/json\r\n';
  if (body === undefined) return `${method} ${path}/${id} ${head}\r\n`;
  const json = JSON.stringify({ ...body, id: String(id) });
  return `${method} ${path} ${head}content-type: application/json\r\ncontent-length: ${json.length}\r\n\r\n${json}`;
}

/** Length of the whole first response in `bytes`, or undefined while its head is incomplete. */
function responseLength(bytes, status) {
  const headEnd = bytes.indexOf(HEAD_END);
  if (headEnd === -1) return undefined;
  const head = bytes.latin1Slice(0, headEnd);
  const match = /content-length: (\d+)/i.exec(head);
  if (!head.startsWith(`HTTP/1.1 ${status}`) || match === null)
    throw new Error(`unexpected response: ${head}`);
  return headEnd + HEAD_END.length + Number(match[1]);
}

function openConnection(port, onResponse) {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  let received = Buffer.alloc(0);
  const connection = {
    startedAt: 0,
    kind: ORDERS,
    send(kind, id, startedAt) {
      connection.kind = kind;
      connection.startedAt = startedAt;
      socket.write(writeRequest(kind, id));
    },
    close: () => socket.destroy(),
  };
  socket.on('data', (chunk) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    const length = responseLength(received, connection.kind.status);
    if (length === undefined || received.length < length) return;
    received = received.subarray(length);
    onResponse(connection);
  });
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once('connect', () => resolve(connection));
  });
}

async function run({ port, connections, seconds, rate, kind: usual = ORDERS, mix = [] }) {
  const byPath = {};
  const latency = createHistogram();
  const idle = [];
  const due = [];
  let sent = 0;
  let answered = 0;
  let finished = false;
  let pending = 0;
  let onQuiet = () => undefined;

  const send = (connection, startedAt) => {
    sent += 1;
    pending += 1;
    const kind = mix.find(({ every }) => sent % every === 0) ?? usual;
    connection.send(kind, sent % 1_000, startedAt);
  };
  const onResponse = (connection) => {
    const now = performance.now();
    latency.record(Math.max(1, Math.round((now - connection.startedAt) * 1_000)));
    answered += 1;
    const { path } = connection.kind;
    byPath[path] = (byPath[path] ?? 0) + 1;
    pending -= 1;
    if (finished) {
      if (pending === 0) onQuiet();
    } else if (rate === 0) send(connection, now);
    else if (due.length > 0) send(connection, due.shift());
    else idle.push(connection);
  };

  const opened = await Promise.all(
    Array.from({ length: connections }, () => openConnection(port, onResponse)),
  );
  const startedAt = performance.now();
  let timer;
  if (rate === 0) {
    for (const connection of opened) send(connection, performance.now());
  } else {
    idle.push(...opened);
    let scheduled = 0;
    timer = setInterval(() => {
      const target = Math.floor(((performance.now() - startedAt) / 1_000) * rate);
      for (; scheduled < target; scheduled += 1) {
        const dueAt = startedAt + (scheduled / rate) * 1_000;
        const connection = idle.pop();
        if (connection === undefined) due.push(dueAt);
        else send(connection, dueAt);
      }
    }, 1);
  }
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
  clearInterval(timer);
  const elapsedSeconds = (performance.now() - startedAt) / 1_000;
  const perSecond = answered / elapsedSeconds;
  finished = true;
  if (pending > 0) await new Promise((resolve) => (onQuiet = resolve));
  for (const connection of opened) connection.close();
  return {
    requests: answered,
    byPath,
    perSecond,
    p50Ms: latency.percentile(50) / 1e3,
    p99Ms: latency.percentile(99) / 1e3,
  };
}

process.on('message', async ({ command, ...options }) => {
  process.send({ command, ...(await run(options)) });
});
process.on('disconnect', () => process.exit(0));

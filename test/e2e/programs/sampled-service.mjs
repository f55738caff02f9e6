// A service that keeps what fails, and calls the one behind it (`NEXT`) as the path of a request says. Prints its port.
import { createServer } from 'node:http';

import { configureTelemetry, extractTraceContext, getTelemetry, withTraceContext } from 'nestjs-telemetry';

const { OTEL_SERVICE_NAME: name, RATIO, NEXT } = process.env;
const running = configureTelemetry({
  sampling: { ratio: Number(RATIO), keep: true },
  logging: false,
  enablePrometheus: false,
});
const telemetry = getTelemetry(name);

const fail = (when) =>
  telemetry.trace(`${name}.fail`, () => {
    throw new Error(when);
  });
const callNext = async (path) => {
  const response = await fetch(`${NEXT}${path}`);
  await response.text();
};

const routes = {
  '/fine': () => telemetry.trace(`${name}.work`, () => undefined),
  '/fails': () => fail('here'),
  '/calls-fine': () => callNext('/fine'),
  '/calls-fails': () => callNext('/fails'),
  '/fails-then-calls': async () => {
    try {
      fail('before the call');
    } catch {
      // Goes on without it.
    }
    await callNext('/fine');
  },
  '/calls-then-fails': async () => {
    await callNext('/fine');
    fail('after the call');
  },
};

const server = createServer((request, response) => {
  if (request.url === '/flush') {
    void running.flush().then(() => response.end());
    return;
  }
  const serve = () => telemetry.trace(`${name} ${request.url}`, async () => routes[request.url]());
  withTraceContext(extractTraceContext(request.headers), serve).then(
    () => response.end(),
    () => response.writeHead(500).end(),
  );
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.once('SIGTERM', () => process.exit());

// Forks two workers that offer metrics: on the port of the application, or on one scrape port (its number as argument) that
// both want. Prints the warnings of all processes, and ends after as many of the workers as are expected.
import cluster from 'node:cluster';

import { configureTelemetry } from 'nestjs-telemetry';

const port = process.argv[2];
const telemetry = configureTelemetry({
  serviceName: 'clustered',
  environment: 'test',
  logging: false,
  instrumentation: false,
  // The primary serves nothing.
  ...(port !== undefined && cluster.isWorker && { prometheus: { port: Number(port), host: '127.0.0.1' } }),
});
process.on('warning', ({ message }) => {
  if (cluster.isPrimary) console.log(`primary: ${message}`);
  else process.send({ warning: message });
});

if (cluster.isPrimary) {
  let expected = port === undefined ? 2 : 1;
  cluster.on('message', (worker, { warning }) => {
    console.log(`worker: ${warning}`);
    expected -= 1;
    if (expected > 0) return;
    for (const each of Object.values(cluster.workers)) each.kill();
    void telemetry.shutdown();
  });
  for (let worker = 0; worker < 2; worker += 1) cluster.fork();
}

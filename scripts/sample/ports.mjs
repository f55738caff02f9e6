// Chooses the ports of the sample system before anything is started, so that one in use is reported first, by name.
import { once } from 'node:events';
import { createServer } from 'node:net';

/** A free port: the one in `variable`, where 0 means any, else `preferred`. Throws when it is taken. */
export async function claimPort(variable, preferred, env) {
  const port = readPort(variable, env) ?? preferred;
  if (port === 0) return freePort();
  if (await isTaken(port)) {
    throw new Error(
      `port ${port} is taken by another process: end that one, or choose another port with ${variable}=…`,
    );
  }
  return port;
}

/** Like `claimPort`, but any free port will do when none was asked for. */
export async function findPort(variable, env) {
  return claimPort(variable, 0, env);
}

function readPort(variable, env) {
  const text = env[variable]?.trim();
  if (!text) return undefined;
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new Error(`${variable} must be a port from 0 to 65535, not "${text}"`);
  }
  return port;
}

async function isTaken(port) {
  const onHosts = await Promise.all(['127.0.0.1', '::1'].map((host) => isTakenOn(host, port)));
  return onHosts.includes(true);
}

async function isTakenOn(host, port) {
  try {
    await release(await listen(port, host));
    return false;
  } catch (error) {
    // A machine without IPv6 has no listener there.
    return error.code === 'EADDRINUSE';
  }
}

/** The system may name a port again that was just given back. */
const handedOut = new Set();

async function freePort() {
  const server = await listen(0, '127.0.0.1');
  const { port } = server.address();
  await release(server);
  if (handedOut.has(port)) return freePort();
  handedOut.add(port);
  return port;
}

async function listen(port, host) {
  const server = createServer();
  server.listen({ port, host, exclusive: true });
  await once(server, 'listening');
  return server;
}

async function release(server) {
  server.close();
  await once(server, 'close');
}

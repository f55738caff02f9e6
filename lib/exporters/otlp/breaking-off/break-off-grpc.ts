import { givenUp } from './given-up.js';
import { type GrpcCall, type GrpcClient, type GrpcTransport } from './transport.interface.js';

/** Keeps the calls that are under way, from the first one on, where they can be cancelled; gives what cancels them. */
export function makeGrpcBreakable(transport: GrpcTransport): () => void {
  let broken = false;
  const isBroken = (): boolean => broken;
  const running = new Set<GrpcCall>();
  const send = transport.send.bind(transport);
  transport.send = async (...request) => {
    if (isBroken()) return givenUp();
    const response = await send(...request);
    return isBroken() && response.status !== 'success' ? givenUp() : response;
  };
  let client = transport._client;
  Object.defineProperty(transport, '_client', {
    get: () => client,
    set: (made: GrpcClient | undefined) => {
      client = made;
      if (made !== undefined) followCalls(made, running);
    },
  });
  return () => {
    broken = true;
    for (const call of running) call.cancel();
    // Ends what waits for a connection.
    transport.shutdown();
  };
}

function followCalls(client: GrpcClient, running: Set<GrpcCall>): void {
  const call = client.export.bind(client);
  client.export = (...args) => {
    const started = call(...args);
    running.add(started);
    started.once('status', () => running.delete(started));
    return started;
  };
}

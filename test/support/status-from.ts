import { on } from 'node:events';
import { type Socket } from 'node:net';

/** Resolves to the status of an answer once its head has arrived on a socket. */
export async function statusFrom(socket: Socket): Promise<number> {
  let answer = '';
  for await (const [data] of on(socket, 'data') as AsyncIterable<[Buffer]>) {
    answer += data.toString('latin1');
    if (answer.includes('\r\n\r\n')) break;
  }
  return Number(answer.split(' ')[1]);
}

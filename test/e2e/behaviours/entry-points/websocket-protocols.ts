import { type INestApplicationContext } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import { io, type Socket } from 'socket.io-client';
import { WebSocket } from 'ws';

import { eventually } from '../../../support/eventually.js';

export interface Answer {
  readonly event: string;
  readonly data: unknown;
}

/** What a test needs of a client, whatever it speaks. */
export interface Client {
  send(event: string, data?: unknown): void;
  /** The next message with that event. */
  answer(event: string): Promise<unknown>;
  close(): void;
}

export interface Protocol {
  readonly name: string;
  adapter(app: INestApplicationContext): WsAdapter | IoAdapter;
  connect(origin: string, headers?: Record<string, string>): Promise<Client>;
}

export const PROTOCOLS: readonly Protocol[] = [
  {
    name: 'ws',
    adapter: (app) => new WsAdapter(app),
    connect: async (origin, headers = {}) => {
      const socket = new WebSocket(origin.replace('http', 'ws'), { headers });
      const answers: Answer[] = [];
      socket.on('message', (data) => answers.push(JSON.parse((data as Buffer).toString('utf8')) as Answer));
      await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
      return {
        send: (event, data) => {
          socket.send(JSON.stringify({ event, data }));
        },
        answer: (event) => takeFrom(answers, event),
        close: () => {
          socket.close();
        },
      };
    },
  },
  {
    name: 'socket.io',
    adapter: (app) => new IoAdapter(app),
    connect: async (origin, headers = {}) => {
      const socket = await connectSocketIo(origin, headers);
      const answers: Answer[] = [];
      socket.onAny((event: string, data: unknown) => answers.push({ event, data }));
      return {
        send: (event, data) => {
          socket.emit(event, data);
        },
        answer: (event) => takeFrom(answers, event),
        close: () => {
          socket.disconnect();
        },
      };
    },
  },
];

export async function connectSocketIo(
  url: string,
  extraHeaders: Record<string, string> = {},
): Promise<Socket> {
  const socket = io(url, { extraHeaders, transports: ['websocket'], reconnection: false, forceNew: true });
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('connect_error', reject));
  return socket;
}

async function takeFrom(answers: Answer[], event: string): Promise<unknown> {
  const found = await eventually(`an answer "${event}"`, () =>
    answers.find((answer) => answer.event === event),
  );
  answers.splice(answers.indexOf(found), 1);
  return found.data;
}

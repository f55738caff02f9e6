import { type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';

import { hosts } from '../settings/addresses.js';
import { followFaults } from './fault.js';
import { announceReady, stopWithParent } from './parent-process.js';

/** Starts one service of the sample system and returns when it answers; a port that is taken ends the process with 1. */
export async function startService(service: string, module: Type, port: number): Promise<void> {
  stopWithParent();
  followFaults();
  const app = await NestFactory.create<NestFastifyApplication>(module, new FastifyAdapter());
  app.enableShutdownHooks();
  try {
    await app.listen(port, hosts.service());
  } catch (error) {
    if (!(error instanceof Error) || !error.message.includes('EADDRINUSE')) throw error;
    console.error(`${service}: port ${port} is taken by another process`);
    process.exit(1);
  }
  announceReady({ [service]: `http://localhost:${new URL(await app.getUrl()).port}` });
}

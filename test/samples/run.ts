// Runs one sample: `node run.js NAME with|without`. Tells its port to the parent process, and its spans when it asks.
import 'reflect-metadata';

import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type NestExpressApplication } from '@nestjs/platform-express';
import { TelemetryModule } from 'nestjs-telemetry';

import { samples } from './samples';

interface EndedSpan {
  readonly name: string;
  readonly attributes: Record<string, unknown>;
}

const [name = '', mode] = process.argv.slice(2);
const sample = samples[name]!;
const spans: string[] = [];
const telemetry = TelemetryModule.forRoot({
  serviceName: name,
  spanProcessors: [
    {
      onStart: () => undefined,
      onEnd: ({ name: ended, attributes }: EndedSpan) => {
        const system = attributes['db.system.name'];
        spans.push(typeof system === 'string' ? `${system}: ${ended}` : ended);
      },
      forceFlush: () => Promise.resolve(),
      shutdown: () => Promise.resolve(),
    },
  ],
});

@Module({ imports: [...(mode === 'with' ? [telemetry] : []), sample.module() as never] })
class Root {
  onApplicationShutdown(signal?: string): void {
    console.log(`ended by ${String(signal)}`);
  }
}

process.on('message', () => process.send?.({ spans }));

async function start(): Promise<void> {
  const app = await NestFactory.create<NestExpressApplication>(Root, { logger: false });
  app.enableShutdownHooks();
  await sample.configure?.(app);
  await app.listen(0, '127.0.0.1');
  process.send?.({ port: (app.getHttpServer().address() as { port: number }).port });
}

start().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});

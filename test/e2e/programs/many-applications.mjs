// Creates and closes the same application several times in one process, and counts what Node is asked for meanwhile. The
// argument is the platform. Prints one line of JSON: the counts of each application, and how often pg is patched in each.
import 'reflect-metadata';

import fs from 'node:fs';
import { createRequire, Module as NodeModule, syncBuiltinESMExports } from 'node:module';
import os from 'node:os';
import perfHooks from 'node:perf_hooks';

const require = createRequire(import.meta.url);
const counts = { listings: 0, matched: 0, packages: 0, monitors: 0, cpus: 0 };

function count(owner, name, what, counted = () => true) {
  const original = owner[name];
  owner[name] = function (...args) {
    if (counted(...args)) counts[what] += 1;
    return Reflect.apply(original, this, args);
  };
}

// The library imports these by name, so it must see them as they are here: it is loaded below.
count(fs, 'readFileSync', 'packages', (file) => String(file).endsWith('package.json'));
count(perfHooks, 'monitorEventLoopDelay', 'monitors');
count(os, 'cpus', 'cpus');
syncBuiltinESMExports();

const { Module } = await import('@nestjs/common');
const { NestFactory } = await import('@nestjs/core');
const platform = process.argv[2];
const { [platform === 'fastify' ? 'FastifyAdapter' : 'ExpressAdapter']: Adapter } = await import(
  `@nestjs/platform-${platform}`
);
const { TelemetryModule } = await import('nestjs-telemetry');
const pg = require('pg');

const cache = NodeModule._cache;
NodeModule._cache = new Proxy(cache, {
  ownKeys: (target) => {
    counts.listings += 1;
    return Reflect.ownKeys(target);
  },
});
count(RegExp.prototype, 'test', 'matched', (text) => Object.hasOwn(cache, text));

class AppModule {}
Module({ imports: [TelemetryModule.forRoot({ environment: process.argv[3] ?? 'test' })] })(AppModule);

const original = pg.Client.prototype.query;
const isPatched = () => pg.Client.prototype.query !== original;

/** Creates and closes one application, and gives what that took. */
async function start() {
  for (const name of Object.keys(counts)) counts[name] = 0;
  const app = await NestFactory.create(AppModule, new Adapter(), { logger: false });
  await app.init();
  const patched = isPatched();
  await app.close();
  return { ...counts, patched, restored: !isPatched() };
}

const files = Object.keys(cache).length;
const applications = [];
for (let index = 0; index < 4; index += 1) applications.push(await start());

// A module that is loaded between two applications is looked at again.
const { Redis } = require('ioredis');
const sendCommand = Redis.prototype.sendCommand;
const app = await NestFactory.create(AppModule, new Adapter(), { logger: false });
await app.init();
const lateIsPatched = Redis.prototype.sendCommand !== sendCommand;
await app.close();
console.log(JSON.stringify({ files, applications, lateIsPatched }));

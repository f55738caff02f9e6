// An ESM application that uses a library built against the CommonJS copy of the package.
import 'reflect-metadata';

import { createRequire } from 'node:module';

import { Inject, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import * as esm from 'nestjs-telemetry';
import { createTelemetryProbe } from 'nestjs-telemetry/testing';

const cjs = createRequire(import.meta.url)('nestjs-telemetry');
const probe = createTelemetryProbe();

class LibraryService {
  constructor(telemetry) {
    this.telemetry = telemetry;
  }
  work() {
    this.telemetry.counter('library_calls_total').add(1);
    this.telemetry.logInfo('from the library');
    return this.telemetry.trace('inner', () => cjs.getCurrentTraceId() === esm.getCurrentTraceId());
  }
}
Injectable()(LibraryService);
Inject(cjs.TelemetryService)(LibraryService, undefined, 0);
const descriptor = Object.getOwnPropertyDescriptor(LibraryService.prototype, 'work');
esm.Trace()(LibraryService.prototype, 'work', descriptor);
cjs.Trace()(LibraryService.prototype, 'work', descriptor);
Object.defineProperty(LibraryService.prototype, 'work', descriptor);

class AppModule {}
Module({ imports: [esm.TelemetryModule.forRoot(probe.options)], providers: [LibraryService] })(AppModule);

const app = await NestFactory.createApplicationContext(AppModule, { abortOnError: false, logger: false });
const sameTrace = app.get(LibraryService).work();
const calls = await probe.metricValue('library_calls_total');
const lines = probe.logLines().filter((line) => line.msg === 'from the library');
await app.close();
console.log(
  JSON.stringify({
    twoCopies: esm.TelemetryService !== cjs.TelemetryService,
    sameTrace,
    spans: probe.spans().map((span) => span.name),
    calls,
    context: lines.map((line) => line.context),
    correlated: lines.every((line) => line.trace_id === probe.span('inner').spanContext().traceId),
  }),
);

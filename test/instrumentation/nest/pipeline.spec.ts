import 'reflect-metadata';

import { Readable } from 'node:stream';

import {
  BadGatewayException,
  type CallHandler,
  Controller,
  type DynamicModule,
  type ExecutionContext,
  Get,
  type INestApplication,
  Injectable,
  Module,
  type NestInterceptor,
  Param,
  type PipeTransform,
  Sse,
  UseGuards,
  UseInterceptors,
  UsePipes,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { BaseExceptionFilterContext } from '@nestjs/core/exceptions/base-exception-filter-context.js';
import { GuardsConsumer } from '@nestjs/core/guards/guards-consumer.js';
import { Injector } from '@nestjs/core/injector/injector.js';
import { InterceptorsConsumer } from '@nestjs/core/interceptors/interceptors-consumer.js';
import { PipesConsumer } from '@nestjs/core/pipes/pipes-consumer.js';
import { SpanKind } from '@opentelemetry/api';
import { type ReadableSpan } from '@opentelemetry/sdk-trace';
import { TelemetryModule, type TelemetryOptions } from 'nestjs-telemetry';
import { createTelemetryProbe, type TelemetryProbe } from 'nestjs-telemetry/testing';
import { catchError, interval, map, type Observable, retry, take, throwError } from 'rxjs';

import { eventually } from '../../support/eventually.js';

const PATCHED: readonly (readonly [prototype: object, method: string])[] = [
  [GuardsConsumer.prototype, 'tryActivate'],
  [InterceptorsConsumer.prototype, 'intercept'],
  [PipesConsumer.prototype, 'applyPipes'],
  [BaseExceptionFilterContext.prototype, 'createConcreteContext'],
  [Injector.prototype, 'loadPerContext'],
  [Injector.prototype, 'instantiateClass'],
];
const patched = () => PATCHED.map(([prototype, method]) => Reflect.get(prototype, method) as unknown);

/** A guard that Nest finds by the class itself: it has no instances. */
class StaticGuard {
  readonly role = 'none';

  static canActivate(): boolean {
    return true;
  }
}

@Injectable()
class MappingInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(catchError(() => throwError(() => new BadGatewayException('upstream'))));
  }
}

@Injectable()
class RetryInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(retry(2));
  }
}

@Injectable()
class LazyInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    // Made and never subscribed to: what is inside must not run for it.
    next.handle();
    return next.handle().pipe(map((value: unknown) => value));
  }
}

@Injectable()
class ThrowingInterceptor implements NestInterceptor {
  intercept(): Observable<unknown> {
    throw new RangeError('at once');
  }
}

@Injectable()
class StreamPipe implements PipeTransform<string, Readable> {
  transform(value: string): Readable {
    return Readable.from([value]);
  }
}

let calls = 0;

@Controller()
class EdgesController {
  @UseGuards(StaticGuard) // typed for instances only; Nest takes the class
  @Get('static')
  guarded(): string {
    return 'guarded';
  }

  @UseInterceptors(MappingInterceptor)
  @Get('mapped')
  mapped(): never {
    throw new TypeError('inside');
  }

  @UseInterceptors(RetryInterceptor)
  @Get('retried')
  retried(): string {
    calls += 1;
    if (calls < 3) throw new Error('again');
    return 'third time';
  }

  @UseInterceptors(LazyInterceptor)
  @Get('lazy')
  lazy(): string {
    calls += 1;
    return `${calls}`;
  }

  @UseInterceptors(ThrowingInterceptor)
  @Get('throwing')
  throwing(): string {
    return 'never';
  }

  @UsePipes(StreamPipe)
  @Get('stream/:text')
  async stream(@Param('text') stream: Readable): Promise<string> {
    return (await stream.toArray()).join('');
  }

  @UseInterceptors(LazyInterceptor)
  @Sse('ticks')
  ticks(): Observable<{ data: number }> {
    return interval(1).pipe(
      take(3),
      map((data) => ({ data })),
    );
  }
}

@Module({})
class RootModule {}

function rootModule(options: TelemetryOptions): DynamicModule {
  return { module: RootModule, imports: [TelemetryModule.forRoot(options)], controllers: [EdgesController] };
}

async function start(options: TelemetryOptions): Promise<INestApplication> {
  const app = await NestFactory.create(rootModule(options), { bufferLogs: true, abortOnError: false });
  return app.listen(0, '127.0.0.1').then(() => app);
}

describe('the pipeline', () => {
  let probe: TelemetryProbe;
  let app: INestApplication;
  const options = (): TelemetryOptions => ({ ...probe.options, instrumentation: { http: false } });

  beforeEach(async () => {
    calls = 0;
    probe = createTelemetryProbe();
    app = await start(options());
  });
  afterEach(() => app.close());

  const visit = async (path: string): Promise<{ body: string; server: ReadableSpan }> => {
    const before = probe.spans().length;
    const response = await fetch(`${await app.getUrl()}/${path}`);
    const body = await response.text();
    const found = () =>
      probe
        .spans()
        .slice(before)
        .find(({ kind }) => kind === SpanKind.SERVER);
    await eventually(() => found() !== undefined);
    return { body, server: found()! };
  };
  const exceptions = () =>
    probe
      .spans()
      .flatMap((span) =>
        span.events
          .filter(({ name }) => name === 'exception')
          .map((event) => [span.name, event.attributes?.['exception.type']]),
      );

  it('knows a guard that is a class', async () => {
    const { body, server } = await visit('static');
    expect(body).toBe('guarded');
    expect(server.attributes['nestjs.guards']).toEqual(['RootModule/StaticGuard']);
  });

  it('records the exception an interceptor makes of another beside that one, each where it was thrown', async () => {
    const { server } = await visit('mapped');
    expect(exceptions()).toEqual([
      ['EdgesController.mapped', 'TypeError'],
      ['GET /mapped', 'BadGatewayException'],
    ]);
    expect(server.attributes).toMatchObject({
      'nestjs.failure.stage': 'interceptor.after',
      'nestjs.failure.class': 'MappingInterceptor',
    });
  });

  it('lets an interceptor retry what is inside', async () => {
    const { body, server } = await visit('retried');
    expect(body).toBe('third time');
    expect(server.attributes['nestjs.interceptors.after']).toEqual(['RootModule/RetryInterceptor']);
    expect(server.attributes['nestjs.failure.stage']).toBeUndefined();
  });

  it('runs nothing that is not subscribed to', async () => {
    expect((await visit('lazy')).body).toBe('1');
  });

  it('names an interceptor that throws at once', async () => {
    const { server } = await visit('throwing');
    expect(exceptions()).toEqual([['GET /throwing', 'RangeError']]);
    expect(server.attributes).toMatchObject({
      'nestjs.failure.stage': 'interceptor.before',
      'nestjs.interceptors.before': ['RootModule/ThrowingInterceptor'],
    });
  });

  it('hands on a stream that a pipe makes as it is', async () => {
    const { body, server } = await visit('stream/hello');
    expect(body).toBe('hello');
    expect(server.attributes['nestjs.pipes']).toEqual(['RootModule/StreamPipe']);
  });

  it('passes server-sent events on', async () => {
    const { body, server } = await visit('ticks');
    expect(body.match(/data: \d/g)).toEqual(['data: 0', 'data: 1', 'data: 2']);
    expect(server.attributes['nestjs.interceptors.before']).toEqual(['RootModule/LazyInterceptor']);
  });

  it('is watched until the last application of the process has closed', async () => {
    const second = await start(options());
    await app.close();
    app = second;
    const { server } = await visit('static');
    expect(server.attributes['nestjs.guards']).toEqual(['RootModule/StaticGuard']);
  });
});

describe("NestJS's own classes", () => {
  const untouched = patched();

  it('are as they were once the application has closed', async () => {
    const app = await start(createTelemetryProbe().options);
    expect(patched().map((method, index) => method === untouched[index])).toEqual(PATCHED.map(() => false));
    for (const [prototype, method] of PATCHED) {
      expect((Reflect.get(prototype, method) as { name: string }).name).toBe(method);
    }
    await app.close();
    expect(patched()).toEqual(untouched);
  });

  it.each<[what: string, options: TelemetryOptions]>([
    ['telemetry is disabled', { enabled: false }],
    ['their instrumentation is switched off', { instrumentation: { nest: false } }],
  ])('are left alone when %s', async (_what, options) => {
    const app = await start({ ...createTelemetryProbe().options, ...options });
    expect(patched()).toEqual(untouched);
    await app.close();
  });
});

import {
  Body,
  ConsoleLogger,
  Controller,
  Get,
  Inject,
  Injectable,
  Logger,
  type LoggerService,
  type LogLevel,
  Module,
  Post,
  RequestMethod,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { type FastifyInstance } from 'fastify';
import { InjectPinoLogger, LoggerModule, PinoLogger } from 'nestjs-pino';

import { NestLoggerService } from '../../lib/logging/nest-logger.js';
import { runInRequestScope } from '../../lib/logging/request-scope.js';
import { createPinoParams } from '../../lib/logging/start-logging.js';
import { TelemetryLogger } from '../../lib/logging/telemetry-logger.js';
import { inSpan, type Line, type ObservedLogging, observeLogging, stopObserving } from './observe-logging.js';

@Injectable()
class OrderService {
  private readonly telemetry = new TelemetryLogger('OrderService');
  private readonly logger = new Logger('OrderService');

  constructor(@InjectPinoLogger('Injected') private readonly pino: PinoLogger) {}

  async process(id: string): Promise<void> {
    this.pino.assign({ orderId: id });
    await new Promise((resolve) => setTimeout(resolve, 5));
    this.telemetry.logInfo('by telemetry');
    this.logger.log('by nest');
    this.pino.info('by pino');
  }
}

@Controller()
class OrderController {
  constructor(@Inject(OrderService) private readonly orders: OrderService) {}

  @Get()
  async root(): Promise<string> {
    await this.orders.process('root');
    return 'ok';
  }

  @Get('orders/:id')
  async one(): Promise<string> {
    await this.orders.process('one');
    return 'ok';
  }

  @Get('health')
  async health(): Promise<string> {
    await this.orders.process('health');
    return 'ok';
  }

  @Post('orders')
  async create(@Body() body: { id: string }): Promise<string> {
    await this.orders.process(body.id);
    return 'ok';
  }
}

type Application = Awaited<ReturnType<typeof createApplication>>;

async function createApplication(
  logging: ObservedLogging,
  adapter: 'fastify' | 'express',
  requestScope: 'middleware' | 'caller' = 'middleware',
) {
  @Module({
    imports: [
      LoggerModule.forRootAsync({ useFactory: () => createPinoParams(logging.config, requestScope) }),
    ],
    controllers: [OrderController],
    providers: [OrderService],
  })
  class AppModule {}
  return NestFactory.create(AppModule, adapter === 'fastify' ? new FastifyAdapter() : new ExpressAdapter());
}

async function request(app: Application, path: string, body?: object): Promise<number> {
  const port = new URL(await app.getUrl()).port;
  const init = body && {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  };
  return (await fetch(`http://127.0.0.1:${port}${path}`, init)).status;
}

function byContext(lines: Line[], context: string): Line[] {
  return lines.filter((line) => line.context === context);
}

describe.each(['fastify', 'express'] as const)('a NestJS application on %s', (adapter) => {
  let logging: ObservedLogging;
  let app: Application | undefined;

  beforeEach(() => {
    logging = observeLogging();
  });

  afterEach(async () => {
    await app?.close();
    app = undefined;
    stopObserving(logging);
  });

  async function start(
    requestScope?: 'middleware' | 'caller',
    prepare?: (app: Application) => void,
  ): Promise<Application> {
    app = await createApplication(logging, adapter, requestScope);
    prepare?.(app);
    await app.listen(0, '127.0.0.1');
    logging.text.length = 0;
    return app;
  }

  it('has what PinoLogger.assign bound on the lines of the request, with every logger, and on those of no other request', async () => {
    const running = await start();
    const statuses = await Promise.all([
      request(running, '/orders/1'),
      request(running, '/orders', { id: 'posted' }),
      request(running, '/'),
    ]);
    new TelemetryLogger('OrderService').logInfo('outside');

    expect(statuses).toEqual([200, 201, 200]);
    const byWriter = (message: string): unknown[] =>
      logging
        .lines()
        .filter((line) => line.msg === message)
        .map((line) => line.orderId);
    for (const message of ['by telemetry', 'by nest', 'by pino']) {
      expect([message, ...byWriter(message).sort()]).toEqual([message, 'one', 'posted', 'root']);
    }
    expect(byWriter('outside')).toEqual([undefined]);
    expect(byContext(logging.lines(), 'Injected')).toHaveLength(3);
  });

  it('covers routes below a global prefix and those excluded from it', async () => {
    const running = await start(undefined, (created) => {
      created.setGlobalPrefix('api', { exclude: ['health', { path: 'orders', method: RequestMethod.POST }] });
    });
    const statuses = [
      await request(running, '/api'),
      await request(running, '/api/orders/1'),
      await request(running, '/health'),
      await request(running, '/orders', { id: 'posted' }),
    ];

    expect(statuses).toEqual([200, 200, 200, 201]);
    const lines = logging.lines().filter((line) => line.msg === 'by telemetry');
    expect(lines.map((line) => line.orderId)).toEqual(['root', 'one', 'health', 'posted']);
  });

  it('writes no request line and no headers by itself', async () => {
    const running = await start();
    await request(running, '/orders/1');

    expect(logging.lines().map((line) => line.msg)).toEqual(['by telemetry', 'by nest', 'by pino']);
    expect(logging.text.join('')).not.toContain('user-agent');
    expect(logging.text.join('')).not.toContain('nestjs-telemetry.request');
  });

  it('lets the caller open the scope of a request instead of a middleware', async () => {
    const running = await start('caller', (created) => {
      if (adapter === 'fastify') {
        const instance = created.getHttpAdapter().getInstance() as FastifyInstance;
        instance.addHook('onRequest', (_request, _reply, done) => {
          runInRequestScope(done);
        });
      } else {
        created.use((_request: unknown, _response: unknown, next: () => void) => {
          runInRequestScope(next);
        });
      }
    });
    const statuses = await Promise.all([
      request(running, '/orders/1'),
      request(running, '/orders', { id: 'posted' }),
    ]);

    expect(statuses).toEqual([200, 201]);
    const lines = logging.lines().filter((line) => line.msg === 'by telemetry');
    expect(lines.map((line) => line.orderId).sort()).toEqual(['one', 'posted']);
  });

  it('writes to the new destination, under the new name, after a stop and a start with another configuration', async () => {
    await request(await start(), '/orders/1');
    await app!.close();
    logging.stop();
    const first = logging;
    logging = logging.restart({ redact: ['orderId'] }, 'restarted');
    const before = first.text.length;
    await request(await start(), '/orders/1');

    expect(first.text).toHaveLength(before);
    const lines = logging.lines();
    expect(lines.map((line) => [line.msg, line.service, line.orderId])).toEqual([
      ['by telemetry', 'restarted', '[Redacted]'],
      ['by nest', 'restarted', '[Redacted]'],
      ['by pino', 'restarted', '[Redacted]'],
    ]);
    expect(logging.text.join('')).not.toContain('"service":"orchestrator"');
  });
});

/** What is used of NestJS's application options, which are declared as a class. */
interface BootOptions {
  readonly logger?: LoggerService | LogLevel[] | false;
  readonly bufferLogs?: boolean;
}

describe("NestJS's default logger", () => {
  @Injectable()
  class Talkative {
    readonly logger = new Logger('Talkative');
    onModuleInit(): void {
      this.logger.log('hello');
      this.logger.error('trouble');
    }
  }

  let logging: ObservedLogging;

  /** What NestJS starts with; only reachable through the private member. */
  const inForce = (): unknown => Reflect.get(Logger, 'staticInstanceRef');
  const initial = inForce();

  beforeEach(() => {
    Logger.overrideLogger(['log', 'error', 'warn', 'debug', 'verbose', 'fatal']);
  });

  afterEach(() => {
    stopObserving(logging);
    Reflect.set(Logger, 'staticInstanceRef', initial);
  });

  /** The logging starts while the container is filled, as the module does it: after NestFactory read its options. */
  async function boot(options: BootOptions): Promise<Line[]> {
    @Module({
      providers: [Talkative, { provide: 'START', useFactory: () => void (logging = observeLogging()) }],
    })
    class AppModule {}

    const app = await NestFactory.createApplicationContext(AppModule, options);
    await app.close();
    return byContext(logging.lines(), 'Talkative');
  }

  it('is replaced when the application chose none, and stays replaced after the stop', async () => {
    expect(await boot({})).toMatchObject([{ msg: 'hello' }, { msg: 'trouble', level: 50 }]);
    logging.stop();
    new Logger('Talkative').log('after the end');
    expect(byContext(logging.lines(), 'Talkative').at(-1)).toMatchObject({ msg: 'after the end', level: 30 });
  });

  it('is put back when a later start does not replace it', async () => {
    await boot({});
    logging.stop();
    const first = logging;
    logging = observeLogging({ nestLogger: false });
    expect(inForce()).toBe(initial);
    const write = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
    new Logger('Talkative').log('on the console');
    const written = write.mock.calls.map(([text]) => String(text)).join('');
    write.mockRestore();

    expect(written).toContain('on the console');
    expect(first.text.join('')).not.toContain('on the console');
  });

  it('is replaced with bufferLogs as well, which flushes into ours what came before', async () => {
    @Module({
      providers: [Talkative, { provide: 'START', useFactory: () => void (logging = observeLogging()) }],
    })
    class AppModule {}
    const options: BootOptions = { bufferLogs: true };

    const app = await NestFactory.create(AppModule, new FastifyAdapter(), options);
    expect(logging.text).toEqual([]);
    await app.init();
    await app.close();

    expect(byContext(logging.lines(), 'Talkative')).toMatchObject([{ msg: 'hello' }, { msg: 'trouble' }]);
    expect(byContext(logging.lines(), 'NestFactory').length).toBeGreaterThan(0);
  });

  it.each<[LogLevel[], string[]]>([
    [['error'], ['trouble']],
    [['warn'], ['trouble']],
    [
      ['log', 'error'],
      ['hello', 'trouble'],
    ],
  ])('keeps the levels %p of the application', async (levels, expected) => {
    const lines = await boot({ logger: levels });
    expect(lines.map((line) => line.msg)).toEqual(expected);
  });

  it('takes levels that change later', async () => {
    await boot({});
    Logger.overrideLogger(['error']);
    new Logger('Later').log('no');
    new Logger('Later').error('yes');
    expect(byContext(logging.lines(), 'Later').map((line) => line.msg)).toEqual(['yes']);
  });

  it('stays away when the application switched it off', async () => {
    expect(await boot({ logger: false })).toEqual([]);
  });

  it('leaves a logger of the application alone', async () => {
    const own = { log: jest.fn(), error: jest.fn(), warn: jest.fn() };
    expect(await boot({ logger: own })).toEqual([]);
    expect(own.log).toHaveBeenCalledWith('hello', 'Talkative');
  });

  it('leaves a console logger of the application alone', async () => {
    const own = new ConsoleLogger({ json: true, logLevels: [] });
    expect(await boot({ logger: own })).toEqual([]);
    expect(inForce()).toBe(own);
  });

  it('is left alone when the option turns it off', () => {
    logging = observeLogging({ nestLogger: false });
    expect(inForce()).toBe(initial);
  });

  it('is not put back over a logger that the application chose meanwhile', () => {
    logging = observeLogging();
    const chosen = { log: jest.fn(), error: jest.fn(), warn: jest.fn() };
    Logger.overrideLogger(chosen);
    logging.stop();
    expect(inForce()).toBe(chosen);
  });

  it('is not touched in a testing module, which NestJS keeps silent', async () => {
    const module = await Test.createTestingModule({ providers: [Talkative] }).compile();
    logging = observeLogging();
    expect(inForce()).not.toBeInstanceOf(NestLoggerService);
    await module.close();
  });

  it('carries the ids of the active span', () => {
    logging = observeLogging();
    const traceId = inSpan('work', (span) => {
      new Logger('X').log('correlated');
      return span.spanContext().traceId;
    });
    expect(logging.line()).toMatchObject({ context: 'X', trace_id: traceId });
  });
});

import { setTimeout as delay } from 'node:timers/promises';

import { Body, Controller, Get, Injectable, Logger, Param, Post } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { TelemetryService, Trace } from 'nestjs-telemetry';

import { eventually } from '../../support/eventually.js';
import { type Platform } from './platform.js';
import { newCaller, RunningApp } from './running-app.js';

@Injectable()
class BasketService {
  private readonly nest = new Logger('Basket');
  private turns = 0;

  constructor(
    private readonly pino: PinoLogger,
    private readonly telemetry: TelemetryService,
  ) {}

  @Trace()
  async fill(id: string): Promise<void> {
    this.pino.assign({ basket: id });
    // Requests that run side by side end in another order than they begin.
    await delay((this.turns++ * 7) % 10);
    this.write(`filled ${id}`);
  }

  @Trace()
  async check(id: string): Promise<void> {
    await delay(1);
    this.write(`checked ${id}`);
  }

  /** What nestjs-pino offers for work of its own: it neither sees the request's fields nor leaves any behind. */
  async count(id: string): Promise<void> {
    await this.pino.runInContext(async () => {
      this.write(`counting ${id}`);
      this.pino.assign({ job: 'count' });
      await delay(1);
      this.write(`counted ${id}`);
    });
    await delay(1);
    this.write(`after counting ${id}`);
  }

  write(message: string): void {
    this.telemetry.logInfo(`${message} by telemetry`);
    this.nest.log(`${message} by Nest`);
    this.pino.info(`${message} by pino`);
  }

  assignNothing(): string {
    try {
      this.pino.assign({ basket: 'nobody' });
      return 'assigned';
    } catch (error) {
      return String(error);
    }
  }
}

@Controller()
class BasketController {
  constructor(private readonly baskets: BasketService) {}

  @Get('baskets/:id')
  async fill(@Param('id') id: string): Promise<string> {
    await this.baskets.fill(id);
    await Promise.all([this.baskets.check(id), delay(2)]);
    return id;
  }

  @Post('baskets')
  create(@Body() { id }: { id: string }): Promise<string> {
    return this.fill(id);
  }

  @Get('counts/:id')
  async count(@Param('id') id: string): Promise<string> {
    await this.baskets.fill(id);
    await this.baskets.count(id);
    return id;
  }

  @Get('health')
  async health(): Promise<string> {
    await this.baskets.fill('healthy');
    return 'ok';
  }
}

const WRITERS = ['telemetry', 'Nest', 'pino'];

export function describePinoLogger(platform: Platform): void {
  describe("nestjs-pino's PinoLogger", () => {
    let app: RunningApp;
    let baskets: BasketService;

    beforeAll(async () => {
      app = await RunningApp.start(platform, { controllers: [BasketController], providers: [BasketService] });
      baskets = app.app.get(BasketService);
    });
    afterAll(() => app.stop());

    /** What was bound to the line with this message, whoever wrote it. */
    async function boundTo(message: string): Promise<unknown> {
      const bound = await Promise.all(
        WRITERS.map(async (writer) => {
          const { basket, job } = await app.log.withMessage(`${message} by ${writer}`);
          return { basket, job };
        }),
      );
      expect(new Set(bound.map((each) => JSON.stringify(each))).size).toBe(1);
      return bound[0];
    }

    it('binds what is assigned to all lines of the request and of no other, from every logger', async () => {
      const ids = Array.from({ length: 20 }, (_, index) => `many-${String(index)}`);
      await Promise.all(ids.map((id) => app.fetch(`/baskets/${id}`)));
      for (const id of ids) {
        expect(await boundTo(`filled ${id}`)).toEqual({ basket: id });
        expect(await boundTo(`checked ${id}`)).toEqual({ basket: id });
      }
      baskets.write('outside');
      expect(await boundTo('outside')).toEqual({});
    });

    it('has a scope where the request has a body', async () => {
      const headers = { 'content-type': 'application/json' };
      await app.fetch('/baskets', { method: 'POST', headers, body: JSON.stringify({ id: 'posted' }) });
      expect(await boundTo('checked posted')).toEqual({ basket: 'posted' });
    });

    it('has a scope where the request is not recorded', async () => {
      await app.fetch('/health');
      expect(await boundTo('filled healthy')).toEqual({ basket: 'healthy' });
    });

    it('puts what was assigned on the request line', async () => {
      const caller = newCaller();
      await app.fetch('/baskets/lined', { caller });
      const line = await eventually('the request line', () =>
        app.log.lines.find((each) => 'duration_ms' in each && each.trace_id === caller.traceId),
      );
      expect(line).toMatchObject({ route: '/baskets/:id', basket: 'lined' });
    });

    it('keeps a scope that the application runs something in apart, and returns to that of the request', async () => {
      await app.fetch('/counts/inner');
      expect(await boundTo('counting inner')).toEqual({});
      expect(await boundTo('counted inner')).toEqual({ job: 'count' });
      expect(await boundTo('after counting inner')).toEqual({ basket: 'inner' });
    });

    it('refuses to assign outside of a request', () => {
      expect(baskets.assignNothing()).toContain('unable to assign extra fields out of request scope');
    });
  });
}

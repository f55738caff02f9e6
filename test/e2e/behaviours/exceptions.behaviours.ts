import { Controller, Get, Inject, Injectable, NotFoundException, Param } from '@nestjs/common';
import { SpanStatusCode } from '@opentelemetry/api';
import { Trace } from 'nestjs-telemetry';

import { type Platform } from './platform.js';
import { newCaller, RunningApp } from './running-app.js';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

@Injectable()
class Warehouse {
  @Trace()
  async reserve(id: string): Promise<never> {
    await pause(1);
    throw new RangeError(`no stock of ${id}`);
  }

  @Trace()
  async wrap(id: string): Promise<never> {
    try {
      return await this.reserve(id);
    } catch (cause) {
      throw new Error('reservation failed', { cause });
    }
  }

  @Trace()
  text(): never {
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- applications do
    throw 'out of order';
  }

  @Trace()
  find(id: string): never {
    throw new NotFoundException(`no item ${id}`);
  }
}

@Controller('failures')
class FailuresController {
  constructor(@Inject(Warehouse) private readonly warehouse: Warehouse) {}

  @Get('deep/:id')
  async deep(@Param('id') id: string): Promise<unknown> {
    await pause(1);
    return this.warehouse.reserve(id).catch(async (error: unknown) => {
      await pause(1);
      throw error;
    });
  }

  @Get('wrapped/:id')
  wrapped(@Param('id') id: string): Promise<unknown> {
    return this.warehouse.wrap(id);
  }

  @Get('text/:id')
  text(): unknown {
    return this.warehouse.text();
  }

  @Get('missing/:id')
  missing(@Param('id') id: string): unknown {
    return this.warehouse.find(id);
  }
}

export function describeExceptions(platform: Platform): void {
  describe('an exception', () => {
    let app: RunningApp;
    beforeAll(async () => {
      app = await RunningApp.start(platform, { controllers: [FailuresController], providers: [Warehouse] });
    });
    afterAll(() => app.stop());

    const fail = async (path: string) => {
      const caller = newCaller();
      const { status } = await app.fetch(`/failures/${path}`, { caller });
      const server = await app.spans.server(caller.traceId);
      const spans = app.spans.inTrace(caller.traceId);
      const events = spans.flatMap((span) =>
        span.events
          .filter(({ name }) => name === 'exception')
          .map((event): Record<string, unknown> => ({ ...event.attributes, on: span.name })),
      );
      return { status, server, spans, events };
    };

    it('is recorded once, where it was thrown first, independent of what it passes on its way to the client', async () => {
      const { status, server, spans, events } = await fail('deep/7');
      expect(status).toBe(500);
      expect(events).toMatchObject([
        { on: 'Warehouse.reserve', 'exception.type': 'RangeError', 'exception.message': 'no stock of 7' },
      ]);
      expect(spans.map((span) => span.status.code)).toEqual(spans.map(() => SpanStatusCode.ERROR));
      expect(server.status.message).toBe('no stock of 7');
    });

    it('has one fingerprint on its event and on every span up to the request, independent of the message', async () => {
      const seven = await fail('deep/7');
      const eight = await fail('deep/8');
      const fingerprints = [
        ...[...seven.spans, ...eight.spans].map(({ attributes }) => attributes['exception.fingerprint']),
        ...[...seven.events, ...eight.events].map((event) => event['exception.fingerprint']),
      ];
      expect(fingerprints).toHaveLength(8);
      expect(new Set(fingerprints).size).toBe(1);
      expect(fingerprints[0]).toMatch(/^[0-9a-f]{16}$/);
    });

    it('has another fingerprint when it is another problem', async () => {
      const problems = await Promise.all(['deep/7', 'wrapped/7', 'text/7', 'missing/7'].map(fail));
      const fingerprints = problems.map(({ server }) => server.attributes['exception.fingerprint']);
      expect(new Set(fingerprints).size).toBe(4);
    });

    it('is recorded beside the one that wraps it, whose stack names it as the cause', async () => {
      const { server, events } = await fail('wrapped/7');
      expect(events).toMatchObject([
        { on: 'Warehouse.reserve', 'exception.type': 'RangeError' },
        {
          on: 'Warehouse.wrap',
          'exception.message': 'reservation failed',
          'exception.stacktrace': expect.stringContaining(
            '\nCaused by: RangeError: no stock of 7\n',
          ) as unknown,
        },
      ]);
      expect(server.status.message).toBe('reservation failed');
    });

    it('is recorded once when it is a text', async () => {
      const { status, events } = await fail('text/7');
      expect(status).toBe(500);
      expect(events).toMatchObject([
        { on: 'Warehouse.text', 'exception.type': 'string', 'exception.message': 'out of order' },
      ]);
    });

    it('is recorded without making spans errors when it is an answer below 500', async () => {
      const { status, spans, events } = await fail('missing/7');
      expect(status).toBe(404);
      expect(events).toMatchObject([{ on: 'Warehouse.find', 'exception.type': 'NotFoundException' }]);
      expect(spans.map((span) => span.status.code)).toEqual(spans.map(() => SpanStatusCode.UNSET));
    });
  });
}

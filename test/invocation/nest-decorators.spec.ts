import 'reflect-metadata';

import {
  type CanActivate,
  Controller,
  type ExecutionContext,
  Get,
  type INestApplication,
  Injectable,
  Param,
  ParseIntPipe,
  Query,
  SetMetadata,
  UseGuards,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { EventEmitter2, EventEmitterModule, OnEvent } from '@nestjs/event-emitter';
import { Cron, ScheduleModule, SchedulerRegistry } from '@nestjs/schedule';
import { ApiOperation, ApiResponse, DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { Test } from '@nestjs/testing';

import { Recorded, recordedCalls } from './recorded.decorator.js';

@Injectable()
class RolesGuard implements CanActivate {
  private readonly reflector = new Reflector();

  canActivate(context: ExecutionContext): boolean {
    return this.reflector.get<string | undefined>('role', context.getHandler()) !== 'nobody';
  }
}

@Controller('above')
@UseGuards(RolesGuard)
class DecoratorAboveController {
  @Recorded()
  @Get('open/:id')
  @SetMetadata('role', 'anybody')
  @ApiOperation({ summary: 'reads one' })
  @ApiResponse({ status: 299, description: 'special' })
  open(@Param('id', ParseIntPipe) id: number, @Query('q') q: string) {
    return { id, q };
  }

  @Recorded()
  @Get('closed')
  @SetMetadata('role', 'nobody')
  closed() {
    return 'never';
  }
}

@Controller('below')
@UseGuards(RolesGuard)
class DecoratorBelowController {
  @Get('open/:id')
  @SetMetadata('role', 'anybody')
  @ApiOperation({ summary: 'reads one' })
  @ApiResponse({ status: 299, description: 'special' })
  @Recorded()
  open(@Param('id', ParseIntPipe) id: number, @Query('q') q: string) {
    return { id, q };
  }

  @Get('closed')
  @SetMetadata('role', 'nobody')
  @Recorded()
  closed() {
    return 'never';
  }
}

@Recorded()
@Controller('whole-class')
@UseGuards(RolesGuard)
class DecoratedController {
  @Get('open/:id')
  @ApiOperation({ summary: 'reads one' })
  @ApiResponse({ status: 299, description: 'special' })
  open(@Param('id', ParseIntPipe) id: number, @Query('q') q: string) {
    return { id, q };
  }

  @Get('closed')
  @SetMetadata('role', 'nobody')
  closed() {
    return 'never';
  }
}

@Injectable()
class Listeners {
  @Recorded()
  @OnEvent('order.created')
  @Cron('0 0 1 1 *', { name: 'above' })
  above(): void {
    // that it is called is what matters
  }

  @OnEvent('order.created')
  @Cron('0 0 1 1 *', { name: 'below' })
  @Recorded()
  below(): void {
    // as above
  }
}

describe('a wrapped method in a Nest application', () => {
  let app: INestApplication;
  let base: string;

  beforeAll(async () => {
    const testing = await Test.createTestingModule({
      imports: [EventEmitterModule.forRoot(), ScheduleModule.forRoot()],
      controllers: [DecoratorAboveController, DecoratorBelowController, DecoratedController],
      providers: [Listeners],
    }).compile();
    app = testing.createNestApplication();
    app.useLogger(false);
    await app.listen(0, '127.0.0.1');
    base = await app.getUrl();
  });

  afterAll(async () => {
    await app.close();
  });

  beforeEach(() => {
    recordedCalls.length = 0;
  });

  describe.each([
    ['above', 'DecoratorAboveController'],
    ['below', 'DecoratorBelowController'],
    ['whole-class', 'DecoratedController'],
  ])('with the decorator %s', (path, name) => {
    it('keeps route, pipes and parameter decorators', async () => {
      const response = await fetch(`${base}/${path}/open/7?q=x`);

      expect(await response.json()).toEqual({ id: 7, q: 'x' });
      expect((await fetch(`${base}/${path}/open/seven`)).status).toBe(400);
      expect(recordedCalls).toEqual([`${name}.open`]);
    });

    it('keeps what guards read by Reflector', async () => {
      expect((await fetch(`${base}/${path}/closed`)).status).toBe(403);
      expect(recordedCalls).toEqual([]);
    });

    it('keeps what Swagger reads', () => {
      const document = SwaggerModule.createDocument(app, new DocumentBuilder().build());
      const operation = document.paths[`/${path}/open/{id}`]?.get;

      expect(operation).toMatchObject({
        summary: 'reads one',
        responses: { 299: { description: 'special' } },
        parameters: [
          { name: 'id', in: 'path', schema: { type: 'number' } },
          { name: 'q', in: 'query', schema: { type: 'string' } },
        ],
      });
    });
  });

  it('keeps @OnEvent in either order', () => {
    app.get(EventEmitter2).emit('order.created');

    expect(recordedCalls.sort()).toEqual(['Listeners.above', 'Listeners.below']);
  });

  it('keeps @Cron in either order', async () => {
    const jobs = app.get(SchedulerRegistry).getCronJobs();

    await jobs.get('above')?.fireOnTick();
    await jobs.get('below')?.fireOnTick();

    expect(recordedCalls).toEqual(['Listeners.above', 'Listeners.below']);
  });
});

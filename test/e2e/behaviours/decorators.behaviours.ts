import {
  type ArgumentMetadata,
  Body,
  type CanActivate,
  Controller,
  type ExecutionContext,
  Get,
  Header,
  Headers,
  Injectable,
  Param,
  ParseIntPipe,
  type PipeTransform,
  Post,
  SetMetadata,
  UseGuards,
  UsePipes,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { SpanStatusCode } from '@opentelemetry/api';
import { Counted, Observed, SpanAttribute, Timed, Trace } from 'nestjs-telemetry';

import { type Platform } from './platform.js';
import { newCaller, RunningApp } from './running-app.js';

const Roles = (...roles: string[]) => SetMetadata('roles', roles);

@Injectable()
class RolesGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(execution: ExecutionContext): boolean {
    const roles = this.reflector.get<string[] | undefined>('roles', execution.getHandler()) ?? ['nobody'];
    const { headers } = execution
      .switchToHttp()
      .getRequest<{ headers: Record<string, string | undefined> }>();
    return roles.includes(headers['x-role'] ?? '');
  }
}

class Parcel {
  weight = 0;
}

/** Proves that the parameter's class reached the pipe: it is read from `design:paramtypes` of the method. */
@Injectable()
class MetatypePipe implements PipeTransform {
  transform(value: unknown, { type, metatype }: ArgumentMetadata): unknown {
    return type === 'body' ? { ...(value as object), metatype: metatype?.name } : value;
  }
}

@Controller('above')
class DecoratedAboveController {
  @Trace()
  @Counted('above_reads_total')
  @Roles('admin')
  @UseGuards(RolesGuard)
  @Get(':id')
  @Header('x-read', 'yes')
  read(
    @SpanAttribute('parcel.id') @Param('id', ParseIntPipe) id: number,
    @Headers('x-role') role: string,
  ): unknown {
    return { id, role };
  }

  @Observed('above.create')
  @UsePipes(MetatypePipe)
  @Post()
  create(@Body() parcel: Parcel): Parcel {
    return parcel;
  }
}

@Controller('beneath')
class DecoratedBeneathController {
  @Get(':id')
  @Header('x-read', 'yes')
  @UseGuards(RolesGuard)
  @Roles('admin')
  @Timed('beneath_read_duration_seconds')
  @Trace()
  read(
    @Param('id', ParseIntPipe) @SpanAttribute('parcel.id') id: number,
    @Headers('x-role') role: string,
  ): unknown {
    return { id, role };
  }

  @Post()
  @UsePipes(MetatypePipe)
  @Observed('beneath.create')
  create(@Body() parcel: Parcel): Parcel {
    return parcel;
  }
}

@Trace()
@Controller('class')
class DecoratedClassController {
  @Get(':id')
  read(@Param('id', ParseIntPipe) id: number): unknown {
    return { id };
  }

  @Trace('class.once')
  @Get('twice/:id')
  twice(@Param('id') id: string): unknown {
    return { id };
  }
}

export function describeDecorators(platform: Platform): void {
  describe('decorators on handlers', () => {
    let app: RunningApp;
    beforeAll(async () => {
      app = await RunningApp.start(platform, {
        controllers: [DecoratedAboveController, DecoratedBeneathController, DecoratedClassController],
      });
    });
    afterAll(() => app.stop());

    describe.each([
      ['above', 'DecoratedAboveController'],
      ['beneath', 'DecoratedBeneathController'],
    ])('%s the decorators of Nest', (path, className) => {
      it('keep guards and their roles', async () => {
        const allowed = await app.fetch(`/${path}/5`, { headers: { 'x-role': 'admin' } });
        const refused = await app.fetch(`/${path}/5`, { headers: { 'x-role': 'visitor' } });
        expect([allowed.status, refused.status]).toEqual([200, 403]);
      });

      it('keep route, response headers, pipes and parameter decorators', async () => {
        const headers = { 'x-role': 'admin' };
        const response = await app.fetch(`/${path}/5`, { headers });
        const wrong = await app.fetch(`/${path}/five`, { headers });
        expect(response.headers.get('x-read')).toBe('yes');
        expect(await response.json()).toEqual({ id: 5, role: 'admin' });
        expect(wrong.status).toBe(400);
      });

      it('keep the types of the parameters for pipes', async () => {
        const response = await app.fetch(`/${path}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: '{"weight":3}',
        });
        expect(await response.json()).toEqual({ weight: 3, metatype: 'Parcel' });
      });

      it('make one span with the annotated parameters', async () => {
        const caller = newCaller();
        await app.fetch(`/${path}/5`, { caller, headers: { 'x-role': 'admin' } });
        const span = await app.spans.named(caller.traceId, `${className}.read`);
        await app.spans.server(caller.traceId);
        const made = app.spans.inTrace(caller.traceId).filter(({ name }) => name === span.name);
        expect(span.attributes['parcel.id']).toBe(5);
        expect(made).toHaveLength(1);
      });

      it('make no span of the handler when a guard refuses, and no error of the refusal', async () => {
        const caller = newCaller();
        await app.fetch(`/${path}/5`, { caller, headers: { 'x-role': 'visitor' } });
        const server = await app.spans.server(caller.traceId);
        const names = app.spans.inTrace(caller.traceId).map(({ name }) => name);
        expect(server.status.code).toBe(SpanStatusCode.UNSET);
        expect(server.attributes['http.response.status_code']).toBe(403);
        expect(names).not.toContain(`${className}.read`);
      });
    });

    it('count, time and observe what ran', async () => {
      await app.fetch('/above/5', { headers: { 'x-role': 'admin' } });
      await app.fetch('/beneath/5', { headers: { 'x-role': 'admin' } });
      const page = await app.scrape();
      expect(page).toMatch(/^above_reads_total\{[^}]*outcome="success"[^}]*\} [1-9]/m);
      expect(page).toMatch(/^beneath_read_duration_seconds_count\{[^}]*outcome="success"[^}]*\} [1-9]/m);
    });

    it('trace each method of a decorated class, and a method decorated as well only once', async () => {
      const [caller, other] = [newCaller(), newCaller()];
      await app.fetch('/class/5', { caller });
      await app.fetch('/class/twice/5', { caller: other });
      await app.spans.named(caller.traceId, 'DecoratedClassController.read');
      await app.spans.named(other.traceId, 'class.once');
      await app.spans.server(other.traceId);
      const names = app.spans.inTrace(other.traceId).map(({ name }) => name);
      expect(names).not.toContain('DecoratedClassController.twice');
    });
  });
}

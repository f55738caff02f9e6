import {
  Controller,
  Get,
  type INestApplication,
  MethodNotAllowedException,
  Module,
  Param,
  Version,
  VersioningType,
} from '@nestjs/common';
import { RouterModule } from '@nestjs/core';
import express, { type Application, type Request, type Response, Router } from 'express';
import { type FastifyInstance } from 'fastify';

import { type Platform } from './platform.js';
import { requestRaw } from './raw-connection.js';
import { newCaller, RunningApp } from './running-app.js';

@Controller('items')
class ItemsController {
  @Get(':id')
  read(@Param('id') id: string): { id: string } {
    return { id };
  }

  @Get(':id/locked')
  locked(): never {
    throw new MethodNotAllowedException();
  }
}

@Controller('versioned')
class VersionedController {
  @Version('1')
  @Get(':id')
  first(): string {
    return 'first';
  }

  @Version(['2', '3'])
  @Get(':id')
  second(): string {
    return 'second';
  }
}

@Module({ controllers: [ItemsController] })
class ShopModule {}

const VERSIONED = { controllers: [VersionedController] };

const echo = (_request: Request, response: Response): void => {
  response.send('raw');
};

export function describeHttpRoutes(platform: Platform): void {
  describe('the route of the HTTP server span', () => {
    let app: RunningApp | undefined;
    afterEach(async () => {
      await app?.stop();
      app = undefined;
    });

    const start = async (
      configure: (nest: INestApplication) => void,
      parts: Partial<Parameters<typeof RunningApp.start>[1]> = {},
    ): Promise<RunningApp> => {
      app = await RunningApp.start(platform, {
        controllers: [ItemsController],
        ...parts,
        configure,
      });
      return app;
    };

    /** Status and span of a request; the path is never part of what is compared with it. */
    const ask = async (
      path: string,
      init: RequestInit = {},
    ): Promise<{ status: number; name: string; route: unknown }> => {
      const caller = newCaller();
      const response = await app!.fetch(path, { ...init, caller });
      await response.text();
      const { name, attributes } = await app!.spans.server(caller.traceId);
      return { status: response.status, name, route: attributes['http.route'] };
    };

    it('has the global prefix and the version of the URI', async () => {
      await start((nest) => {
        nest.setGlobalPrefix('api');
        nest.enableVersioning({ type: VersioningType.URI });
      }, VERSIONED);
      expect(await ask('/api/v1/versioned/7')).toEqual({
        status: 200,
        name: 'GET /api/v1/versioned/:id',
        route: '/api/v1/versioned/:id',
      });
      expect(await ask('/api/v3/versioned/7')).toMatchObject({ name: 'GET /api/v3/versioned/:id' });
    });

    it.each([
      [
        'header',
        { type: VersioningType.HEADER, header: 'x-version' },
        { 'x-version': '2' },
        { 'x-version': '9' },
      ],
      [
        'media-type',
        { type: VersioningType.MEDIA_TYPE, key: 'v=' },
        { accept: 'application/json;v=2' },
        { accept: 'application/json;v=9' },
      ],
    ] as const)(
      'is that of the path with %s versioning, and none for a version that does not exist',
      async (_, versioning, known, unknown) => {
        await start((nest) => nest.enableVersioning(versioning), VERSIONED);
        expect(await ask('/versioned/7', { headers: known })).toEqual({
          status: 200,
          name: 'GET /versioned/:id',
          route: '/versioned/:id',
        });
        expect(await ask('/versioned/7', { headers: unknown })).toEqual({
          status: 404,
          name: 'GET',
          route: undefined,
        });
      },
    );

    it('has the path of the module that RouterModule gives it', async () => {
      await start(() => undefined, {
        controllers: [],
        imports: [ShopModule, RouterModule.register([{ path: 'shops/:shop', module: ShopModule }])],
      });
      expect(await ask('/shops/acme/items/7')).toMatchObject({
        status: 200,
        name: 'GET /shops/:shop/items/:id',
      });
    });

    it('is one constant where none matched, with and without a global prefix', async () => {
      await start((nest) => {
        nest.setGlobalPrefix('api');
      });
      const unmatched = { status: 404, name: 'GET', route: undefined };
      expect(await ask('/api/nowhere/raw-path')).toEqual(unmatched);
      expect(await ask('/nowhere/raw-path')).toEqual(unmatched);
    });

    it('is that of GET for a HEAD request', async () => {
      await start(() => undefined);
      expect(await ask('/items/7', { method: 'HEAD' })).toMatchObject({
        status: 200,
        name: 'HEAD /items/:id',
      });
    });

    it('is there when the handler refuses the method', async () => {
      await start(() => undefined);
      expect(await ask('/items/7/locked')).toMatchObject({ status: 405, name: 'GET /items/:id/locked' });
    });

    it('is none for a preflight, which CORS answers', async () => {
      await start((nest) => {
        nest.enableCors({ origin: 'https://shop.example' });
      });
      const headers = { origin: 'https://shop.example', 'access-control-request-method': 'GET' };
      expect(await ask('/items/7', { method: 'OPTIONS', headers })).toEqual({
        status: 204,
        name: 'OPTIONS',
        route: undefined,
      });
      expect(await ask('/items/7', { headers })).toMatchObject({ status: 200, name: 'GET /items/:id' });
    });

    it('does not name a method that the conventions do not know', async () => {
      await start(() => undefined);
      const caller = newCaller();
      const status = await requestRaw(app!.port, 'PROPFIND /items/7', { caller });
      const { name, attributes } = await app!.spans.server(caller.traceId);
      expect([404, 405]).toContain(status);
      expect(name).toBe('HTTP');
      expect(attributes).toMatchObject({
        'http.request.method': '_OTHER',
        'http.request.method_original': 'PROPFIND',
      });
    });

    it('is that of a route which the adapter was given', async () => {
      await start((nest) => {
        nest.getHttpAdapter().get('/raw/:id', (_request: unknown, response: { send(text: string): void }) => {
          response.send('raw');
        });
      });
      expect(await ask('/raw/7')).toEqual({ status: 200, name: 'GET /raw/:id', route: '/raw/:id' });
    });

    if (platform.adapter === 'fastify') {
      it('has the prefix of a Fastify plugin', async () => {
        await start((nest) => {
          const fastify = nest.getHttpAdapter().getInstance() as FastifyInstance;
          void fastify.register(
            async (plugin) => {
              plugin.get('/orders/:id', async () => 'plugged');
            },
            { prefix: '/plugged/:tenant' },
          );
        });
        expect(await ask('/plugged/acme/orders/7')).toMatchObject({
          status: 200,
          name: 'GET /plugged/:tenant/orders/:id',
        });
      });
    } else {
      it('has the templates of the routers it is mounted below, not what they matched', async () => {
        await start((nest) => {
          const orders = Router({ mergeParams: true });
          orders.get('/', echo);
          orders.get('/:id', echo);
          const tenants = Router();
          tenants.use('/:tenant/orders', orders);
          (nest.getHttpAdapter().getInstance() as Application).use('/tenants', tenants);
        });
        expect(await ask('/tenants/acme/orders/7')).toEqual({
          status: 200,
          name: 'GET /tenants/:tenant/orders/:id',
          route: '/tenants/:tenant/orders/:id',
        });
        expect(await ask('/tenants/acme/orders')).toMatchObject({ name: 'GET /tenants/:tenant/orders' });
      });

      it('distinguishes the places where one router is mounted twice', async () => {
        await start((nest) => {
          const shared = Router();
          shared.get('/:id', echo);
          const root = nest.getHttpAdapter().getInstance() as Application;
          root.use('/left', shared);
          root.use('/right/:side', shared);
        });
        expect(await ask('/left/7')).toMatchObject({ name: 'GET /left/:id' });
        expect(await ask('/right/hand/7')).toMatchObject({ name: 'GET /right/:side/:id' });
      });

      it('has the templates of the applications it is mounted below', async () => {
        await start((nest) => {
          const inner = express();
          inner.get('/orders/:id', echo);
          inner.get('/broken', () => {
            throw new Error('broken below');
          });
          const outer = express();
          outer.use('/:region', inner);
          (nest.getHttpAdapter().getInstance() as Application).use('/sub', outer);
        });
        expect(await ask('/sub/eu/orders/7')).toEqual({
          status: 200,
          name: 'GET /sub/:region/orders/:id',
          route: '/sub/:region/orders/:id',
        });
        // Express has left the application when an error reaches NestJS; it is known from the request before.
        expect(await ask('/sub/eu/broken')).toMatchObject({ status: 500, name: 'GET /sub/:region/broken' });
        expect(await ask('/sub/eu/nowhere')).toEqual({ status: 404, name: 'GET', route: undefined });
      });
    }
  });
}

import 'reflect-metadata';

import { All, Controller, Get, Post, Version } from '@nestjs/common';

import {
  describeRoutes,
  findHandlers,
  type ModulesLike,
} from '../../../lib/dashboard/routes/describe-routes.js';

@Controller('orders')
class OrdersController {
  @Get(':id')
  find(): void {
    // Nobody calls it.
  }

  @Post(['', 'many'])
  create(): void {
    // Nobody calls it.
  }
}

@Controller(['items', 'things'])
class ItemsController extends OrdersController {
  @All()
  any(): void {
    // Nobody calls it.
  }
}

@Controller()
class RootController {
  @Get()
  home(): void {
    // Nobody calls it.
  }

  @Get('files/*path')
  file(): void {
    // Nobody calls it.
  }
}

@Controller({ path: 'users', version: '1' })
class UsersV1Controller {
  @Get()
  list(): void {
    // Nobody calls it.
  }
}

@Controller({ path: 'users', version: '2' })
class UsersV2Controller {
  @Get()
  list(): void {
    // Nobody calls it.
  }

  @Version('3')
  @Get('count')
  count(): void {
    // Nobody calls it.
  }
}

const AppModule = function AppModule(): void {
  // A module has nothing but its metadata.
};
const AdminModule = function AdminModule(): void {
  // A module has nothing but its metadata.
};
Reflect.defineMetadata('__module_path__', '/admin', AdminModule);

const controllersOf = (...types: object[]) => new Map(types.map((metatype) => [metatype, { metatype }]));
const modules: ModulesLike = new Map([
  [
    'app',
    {
      metatype: AppModule,
      controllers: controllersOf(
        OrdersController,
        ItemsController,
        RootController,
        UsersV1Controller,
        UsersV2Controller,
      ),
    },
  ],
  ['admin', { metatype: AdminModule, controllers: controllersOf(OrdersController) }],
]);

const handlerOf = (method: string, path: string, handler: unknown = () => undefined) =>
  describeRoutes([{ method, path, handler }], findHandlers(modules))[0]?.handler;

describe('describeRoutes()', () => {
  it.each([
    ['GET', '/orders/:id', 'OrdersController.find'],
    ['GET', '/api/v1/orders/:id', 'OrdersController.find'],
    ['GET', '/admin/orders/:id', 'OrdersController.find'],
    ['POST', '/orders', 'OrdersController.create'],
    ['POST', '/orders/many', 'OrdersController.create'],
    ['GET', '/things/:id', 'ItemsController.find'],
    ['ALL', '/items', 'ItemsController.any'],
    ['GET', '/', 'RootController.home'],
    ['GET', '/files/{*path}', 'RootController.file'],
    ['GET', '/v1/users', 'UsersV1Controller.list'],
    ['GET', '/api/v2/users', 'UsersV2Controller.list'],
    ['GET', '/v3/users/count', 'UsersV2Controller.count'],
  ])('names the handler of %s %s', (method, path, name) => {
    expect(handlerOf(method, path)).toBe(name);
  });

  it('does not take the handler of another method or of another path', () => {
    expect(handlerOf('DELETE', '/orders/:id')).toBeUndefined();
    expect(handlerOf('POST', '/reorders')).toBeUndefined();
  });

  it('believes a function that is named after its handler, as NestJS 12 does', () => {
    const named = Object.defineProperty(() => undefined, 'name', { value: 'UsersV1Controller.list' });
    expect(handlerOf('GET', '/v2/users', named)).toBe('UsersV1Controller.list');
  });

  it('lists a route once whose versions share its path', () => {
    const versions = ['UsersV1Controller.list', 'UsersV2Controller.list'].map((value) => ({
      method: 'GET',
      path: '/users',
      handler: Object.defineProperty(() => undefined, 'name', { value }),
    }));
    expect(describeRoutes(versions, findHandlers(modules))).toEqual([
      { method: 'GET', route: '/users', handler: 'UsersV1Controller.list, UsersV2Controller.list' },
    ]);
  });
});

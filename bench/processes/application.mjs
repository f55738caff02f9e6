// The application of every variant: `GET /orders/:id`, `POST /orders` through guard and pipes, and, where BENCH_UPSTREAM names
// them, `GET /quotes/:id` with a call of the database and a fetch. What a variant does not use is not loaded.
import 'reflect-metadata';

import { declareInjected, decorateClass, decorateMethod, decorateParameter } from './decorate.mjs';

const PLATFORMS = {
  fastify: async () => {
    const { FastifyAdapter } = await import('@nestjs/platform-fastify');
    return new FastifyAdapter();
  },
  express: async () => {
    const { ExpressAdapter } = await import('@nestjs/platform-express');
    return new ExpressAdapter();
  },
};

/** @param variant an entry of `VARIANTS`, loaded; `upstream`: address of the other service and of the database */
export async function createApplication(variant, { platform, upstream, rare }) {
  const { imports, line, decorators = () => [], afterCreate } = variant;
  const common = await import('@nestjs/common');
  const { Controller, Get, Injectable, Module, Param } = common;
  const { NestFactory } = await import('@nestjs/core');

  class PriceService {
    constructor(injected) {
      this.logger = line?.create(injected, PriceService.name);
    }

    async read(id) {
      line?.write(this.logger, id);
      return { id, total: 42, currency: 'EUR' };
    }
  }
  decorateMethod(PriceService, 'read', ...decorators('PriceService.read'));
  declareInjected(PriceService, ...(line?.inject === undefined ? [] : [line.inject]));
  decorateClass(PriceService, Injectable());

  class OrderService {
    constructor(prices) {
      this.prices = prices;
    }

    async find(id) {
      return { id, price: await this.prices.read(id), items: ['book', 'pen'] };
    }
  }
  decorateMethod(OrderService, 'find', ...decorators('OrderService.find'));
  declareInjected(OrderService, PriceService);
  decorateClass(OrderService, Injectable());

  class OrderController {
    constructor(orders) {
      this.orders = orders;
    }

    find(id) {
      return this.orders.find(id);
    }

    create(order) {
      return this.orders.find(order.id);
    }
  }
  decorateMethod(OrderController, 'find', Get(':id'));
  decorateParameter(OrderController, 'find', 0, Param('id'));
  const providers = [OrderService, PriceService, ...decorateCreation(OrderController, common)];
  declareInjected(OrderController, OrderService);
  decorateClass(OrderController, Controller('orders'));

  class RareController {
    constructor(orders) {
      this.orders = orders;
    }

    find(id) {
      return this.orders.find(id);
    }

    async fail(id) {
      await this.orders.find(id);
      throw new Error('no such order');
    }
  }
  for (const [method, path] of [
    ['find', 'rare/:id'],
    ['fail', 'failing/:id'],
  ]) {
    decorateMethod(RareController, method, Get(path));
    decorateParameter(RareController, method, 0, Param('id'));
  }
  declareInjected(RareController, OrderService);
  decorateClass(RareController, Controller());

  class AppModule {}
  const controllers = [
    OrderController,
    // Of the soak: what is asked for seldom, and what fails.
    ...(rare ? [RareController] : []),
    ...(upstream === undefined ? [] : [await createQuotes(OrderService, common, upstream)]),
  ];
  decorateClass(AppModule, Module({ imports, controllers, providers }));

  const app = await NestFactory.create(AppModule, await PLATFORMS[platform](), {
    logger: ['error', 'warn', 'log'],
  });
  afterCreate?.(app);
  return { app, writeLine: (id) => line?.write(app.get(PriceService).logger, id) };
}

/** `POST /orders`: a guard, a pipe of the body, an interceptor. Returns the providers. */
function decorateCreation(Orders, { Body, HttpCode, Injectable, Post, UseGuards, UseInterceptors }) {
  class CustomerGuard {
    canActivate(context) {
      return context.switchToHttp().getRequest().headers.host !== undefined;
    }
  }
  class OrderPipe {
    transform(body) {
      if (typeof body.id !== 'string' || !Array.isArray(body.items)) throw new Error('not an order');
      return { ...body, items: body.items.map(({ name, count }) => ({ name, count: Number(count) })) };
    }
  }
  class PassInterceptor {
    intercept(_context, next) {
      return next.handle();
    }
  }
  const providers = [CustomerGuard, OrderPipe, PassInterceptor].map((own) =>
    decorateClass(own, Injectable()),
  );
  decorateMethod(
    Orders,
    'create',
    Post(),
    HttpCode(200),
    UseGuards(CustomerGuard),
    UseInterceptors(PassInterceptor),
  );
  decorateParameter(Orders, 'create', 0, Body(OrderPipe));
  return providers;
}

/** `GET /quotes/:id`: one query by `pg`, one `fetch`, and the order. */
async function createQuotes(Orders, { Controller, Get, Param }, { url, database }) {
  const { default: pg } = await import('pg');
  const pool = new pg.Pool({ connectionString: database, max: 20 });

  class QuoteController {
    constructor(orders) {
      this.orders = orders;
    }

    async find(id) {
      const { rows } = await pool.query('SELECT id, stock FROM items WHERE id = $1', [id]);
      const response = await fetch(`${url}/rates/${id}`);
      const { rate } = await response.json();
      return { ...(await this.orders.find(id)), stock: rows[0].stock, rate };
    }
  }
  decorateMethod(QuoteController, 'find', Get(':id'));
  decorateParameter(QuoteController, 'find', 0, Param('id'));
  declareInjected(QuoteController, Orders);
  return decorateClass(QuoteController, Controller('quotes'));
}

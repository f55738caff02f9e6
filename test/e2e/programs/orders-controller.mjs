// A controller for the programs that need one route: GET /orders.
import { Controller, Get } from '@nestjs/common';

import { decorate } from './decorate.mjs';

export class OrdersController {
  list() {
    return [];
  }
}
Controller('orders')(OrdersController);
decorate(OrdersController.prototype, 'list', Get());

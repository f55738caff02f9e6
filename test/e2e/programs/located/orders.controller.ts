import { All, type CanActivate, Controller, Get, Inject, Injectable, Param, UseGuards } from '@nestjs/common';

import { Audited } from './audited.decorator.js';
import { OrderService } from './orders.service.js';

@Injectable()
export class OpenGuard implements CanActivate {
  canActivate(): boolean {
    return true;
  }
}

@Controller('orders')
export class OrderController {
  constructor(@Inject(OrderService) private readonly orders: OrderService) {}

  @Get(':id')
  @UseGuards(OpenGuard)
  find(@Param('id') id: string): string {
    return this.orders.find(id) + this.orders.recorded();
  }

  @All('any/way/there/is')
  any(): string {
    return this.orders.load('1');
  }

  @Get('audited/by/somebody')
  @Audited()
  audited(): string {
    return this.orders.load('2');
  }

  @Get('never/asked/for')
  never(): string {
    return this.orders.load('0');
  }
}

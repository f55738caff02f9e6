import { Injectable } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { Trace } from 'nestjs-telemetry';

/** In no container. */
export class Price {
  @Trace()
  add(amount: number): number {
    return amount + 1;
  }
}

export abstract class Repository {
  load(id: string): string {
    return `order ${id}`;
  }
}

@Injectable()
export class OrderService extends Repository {
  /** A span of another name. */
  @Trace('look for an order')
  find(id: string): string {
    new Price().add(1);
    return this.load(id);
  }

  // Nothing is written above it.
  recorded(): string {
    return 'recorded';
  }
}

@Injectable()
export class CleanupService {
  @Interval(100)
  purge(): void {
    new Price().add(2);
  }
}

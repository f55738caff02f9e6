import { TelemetryError } from '../../lib/errors/telemetry.error.js';
import { Recorded, recordedCalls } from './recorded.decorator.js';

type LooseDecorator = (...args: unknown[]) => unknown;
const recorded = Recorded() as unknown as LooseDecorator; // applied as JavaScript would, past the types

function thrownBy(act: () => unknown): unknown {
  try {
    act();
    return undefined;
  } catch (error) {
    return error;
  }
}

beforeEach(() => {
  recordedCalls.length = 0;
});

describe('decorateMethodOrClass() on a method', () => {
  it('wraps the method and names its class', () => {
    class Orders {
      @Recorded()
      process(id: string): string {
        return id;
      }

      @Recorded()
      static open(): Orders {
        return new Orders();
      }
    }

    expect(Orders.open().process('o1')).toBe('o1');

    expect(recordedCalls).toEqual(['Orders.open', 'Orders.process']);
  });

  it('keeps #private fields, overloads and super calls working', () => {
    class Base {
      readonly #secret = 2;

      size(of: string): number;
      size(of: string[], factor: number): number;
      @Recorded()
      size(of: string | string[], factor = 1): number {
        return of.length * factor * this.#secret;
      }
    }
    class Derived extends Base {
      @Recorded()
      override size(of: string | string[]): number {
        return super.size([of].flat(), 20);
      }
    }

    expect(new Derived().size('ab')).toBe(40);

    expect(recordedCalls).toEqual(['Derived.size', 'Base.size']);
  });
});

describe('decorateMethodOrClass() on a class', () => {
  it('wraps every method the class declares, once, and nothing else', () => {
    class Base {
      inherited(): number {
        return 0;
      }
    }
    @Recorded()
    class Orders extends Base {
      static helper(): number {
        return 1;
      }

      @Recorded()
      twice(): number {
        return 2;
      }

      onModuleInit(): number {
        return 3;
      }

      get size(): number {
        return this.twice() * 2;
      }

      [Symbol.iterator](): number {
        return 5;
      }
    }
    const orders = new Orders();

    Orders.helper();
    orders.inherited();
    orders.twice();
    orders.onModuleInit();
    orders[Symbol.iterator]();

    expect(recordedCalls).toEqual(['Orders.twice', 'Orders.onModuleInit']);
    expect(orders.size).toBe(4);
  });

  it('keeps the flags of the property', () => {
    @Recorded()
    class Orders {
      process(): void {
        // only its descriptor matters
      }
    }

    expect(Object.getOwnPropertyDescriptor(Orders.prototype, 'process')).toMatchObject({
      enumerable: false,
      writable: true,
      configurable: true,
    });
  });
});

describe('decorateMethodOrClass() in a wrong place', () => {
  class Orders {
    readonly total = 1;
  }
  const accessor = { get: () => 1, configurable: true };

  it.each<[string, unknown[], RegExp]>([
    [
      'property',
      [Orders.prototype, 'total', undefined],
      /^@Recorded\(\) was applied to the property Orders\.total/,
    ],
    ['accessor', [Orders.prototype, 'total', accessor], /the accessor Orders\.total/],
    ['parameter', [Orders.prototype, 'add', 1], /parameter 1 of Orders\.add/],
    ['constructor parameter', [Orders, undefined, 0], /parameter 0 of Orders\.constructor/],
    ['standard field', [undefined, { kind: 'field', name: 'total' }], /the field total/],
    ['standard getter', [() => 1, { kind: 'getter', name: 'total' }], /the getter total/],
  ])(
    'throws TELEMETRY_INVALID_DECORATOR that says what, where and what to do for a %s',
    (_name, args, message) => {
      const apply = (): unknown => recorded(...args);

      const error = thrownBy(apply);

      expect(error).toBeInstanceOf(TelemetryError);
      expect((error as TelemetryError).code).toBe('TELEMETRY_INVALID_DECORATOR');
      expect((error as TelemetryError).message).toMatch(message);
      expect((error as TelemetryError).message).toMatch(/Put it on a method/);
    },
  );
});

describe('decorateMethodOrClass() as a standard (TC39) decorator', () => {
  it('returns the wrapped method, which finds its class when it is called', () => {
    class Orders {
      process(): string {
        return 'done';
      }
    }
    class RushOrders extends Orders {}
    const wrapped = recorded(Orders.prototype.process, { kind: 'method', name: 'process', static: false });
    Object.defineProperty(Orders.prototype, 'process', { value: wrapped });

    expect(new RushOrders().process()).toBe('done');

    expect(recordedCalls).toEqual(['Orders.process']);
  });

  it('wraps the methods of a class in place', () => {
    class Orders {
      process(): string {
        return 'done';
      }
    }

    expect(recorded(Orders, { kind: 'class', name: 'Orders' })).toBeUndefined();
    new Orders().process();

    expect(recordedCalls).toEqual(['Orders.process']);
  });
});

import 'reflect-metadata';

import { ownersOf, patch, replaceMembers } from '../../lib/invocation/patch.js';
import { type AnyMethod, isMarked, wrapMethod } from '../../lib/invocation/wrap-method.js';
import { undoAll } from '../../lib/process/undo-all.js';

class Base {
  inherited(): string {
    return 'inherited';
  }
}

function createClass() {
  return class Client extends Base {
    send(text: string): string {
      return `sent ${text}`;
    }
    receive(): string {
      return 'received';
    }
  };
}

type Send = (this: unknown, text: string) => string;

const loudly = (original: Send, state: { active: boolean }): Send =>
  function (text) {
    return state.active ? original.call(this, text.toUpperCase()) : original.call(this, text);
  };

describe('patch()', () => {
  it('replaces a method, with name and length of the original, and restores it', () => {
    const Client = createClass();
    const original: unknown = Reflect.get(Client.prototype, 'send');
    const undo = patch<Send>(Client.prototype, 'send', loudly);
    expect(new Client().send('a')).toBe('sent A');
    const { name, length } = Reflect.get(Client.prototype, 'send');
    expect([name, length]).toEqual(['send', 1]);
    expect(Object.keys(Client.prototype)).toEqual([]);
    undo();
    undo();
    expect(Reflect.get(Client.prototype, 'send')).toBe(original);
  });

  it('replaces several methods by what is made of each name', () => {
    const Client = createClass();
    const undo = patch<() => string>(
      Client.prototype,
      ['send', 'receive', 'missing'],
      (_original, _state, name) => () => name,
    );
    const client = new Client();
    expect([client.send('a'), client.receive(), 'missing' in client]).toEqual(['send', 'receive', false]);
    undo();
    expect([client.send('a'), client.receive()]).toEqual(['sent a', 'received']);
  });

  it('puts an inherited method on the object it patches, and takes it off again', () => {
    const Client = createClass();
    const client = new Client();
    const undo = patch(client, 'inherited', (original) => () => `patched ${original.call(client)}`);
    expect(client.inherited()).toBe('patched inherited');
    undo();
    expect(Object.hasOwn(client, 'inherited')).toBe(false);
  });

  it('keeps a member enumerable that was', () => {
    const holder = { run: () => 1 };
    const undo = patch(holder, 'run', () => () => 2);
    expect(Object.entries(holder).map(([name, run]) => [name, run()])).toEqual([['run', 2]]);
    undo();
    expect(holder.run()).toBe(1);
  });

  it('leaves in place what another library has patched over, and passes calls through', () => {
    const Client = createClass();
    const undo = patch<Send>(Client.prototype, 'send', loudly);
    const ours: Send = Reflect.get(Client.prototype, 'send');
    const theirs: Send = function (text) {
      return `(${ours.call(this, text)})`;
    };
    Reflect.set(Client.prototype, 'send', theirs);
    undo();
    expect(new Client().send('a')).toBe('(sent a)');
  });

  it('leaves a frozen object alone', () => {
    const frozen = Object.freeze({ run: () => 1 });
    patch(frozen, 'run', () => () => 2)();
    expect(frozen.run()).toBe(1);
  });

  describe('with once', () => {
    it('has one replacement for all, until the last undo', () => {
      const Client = createClass();
      const wrap = jest.fn(loudly);
      const first = patch<Send>(Client.prototype, 'send', wrap, { once: true });
      const second = patch<Send>(Client.prototype, 'send', wrap, { once: true });
      expect(wrap).toHaveBeenCalledTimes(1);
      first();
      first();
      expect(new Client().send('a')).toBe('sent A');
      second();
      expect(new Client().send('a')).toBe('sent a');
      expect(Object.getOwnPropertySymbols(Client.prototype)).toEqual([]);
    });

    it('takes its replacement up again where another library has patched over it', () => {
      const Client = createClass();
      const wrap = jest.fn(loudly);
      const undo = patch<Send>(Client.prototype, 'send', wrap, { once: true });
      const ours: Send = Reflect.get(Client.prototype, 'send');
      Reflect.set(Client.prototype, 'send', function (this: unknown, text: string) {
        return `(${ours.call(this, text)})`;
      });
      undo();
      expect(new Client().send('a')).toBe('(sent a)');
      patch<Send>(Client.prototype, 'send', wrap, { once: true });
      expect(new Client().send('a')).toBe('(sent A)');
      expect(wrap).toHaveBeenCalledTimes(1);
    });

    it('leaves alone a method that another instrumentation has wrapped', () => {
      const Client = createClass();
      const wrapped = Object.assign((text: string) => `wrapped ${text}`, { __wrapped: true });
      Reflect.set(Client.prototype, 'send', wrapped);
      patch<Send>(Client.prototype, 'send', loudly, { once: true })();
      expect(Reflect.get(Client.prototype, 'send')).toBe(wrapped);
    });
  });
});

describe('replaceMembers()', () => {
  it('replaces all or, where one cannot be replaced, none', () => {
    const target = Object.defineProperty({ a: 1 }, 'fixed', { value: 2, configurable: false });
    expect(replaceMembers(target, { a: 3, fixed: 4 })).toBeUndefined();
    expect(target).toMatchObject({ a: 1 });
  });
});

describe('ownersOf()', () => {
  it('gives the objects that have a member of their own, nearest first', () => {
    const Client = createClass();
    const client = Object.assign(new Client(), { inherited: () => 'own' });
    expect(ownersOf(client, 'inherited')).toEqual([client, Base.prototype]);
  });
});

describe('undoAll()', () => {
  it('undoes the newest first and each once, also what was added later', () => {
    const done: string[] = [];
    const undo = [() => void done.push('first'), undefined];
    const all = undoAll(undo);
    undo.push(() => void done.push('later'));
    all();
    all();
    expect(done).toEqual(['later', 'first']);
  });
});

const MARKER = Symbol('test');

const passThrough = (original: AnyMethod): AnyMethod =>
  function (this: unknown, ...args) {
    return original.apply(this, args);
  };

describe('wrapMethod()', () => {
  it('keeps name and length', () => {
    const wrapped = wrapMethod(
      function process(id: unknown, options: unknown) {
        return [id, options];
      },
      passThrough,
      MARKER,
    );

    expect([wrapped.name, wrapped.length]).toEqual(['process', 2]);
  });

  it('passes this and all arguments', () => {
    const received: unknown[] = [];
    const wrapped = wrapMethod(
      function (this: unknown, ...args: unknown[]) {
        received.push(this, ...args);
      },
      passThrough,
      MARKER,
    );
    const self = {};

    wrapped.call(self, 1, 2, 3);

    expect(received[0]).toBe(self);
    expect(received.slice(1)).toEqual([1, 2, 3]);
  });

  it('keeps own properties, symbols and flags included', () => {
    const key = Symbol('own');
    const original: AnyMethod = () => 1;
    Object.assign(original, { plain: 1 });
    Object.defineProperty(original, key, { value: 2, enumerable: false });

    const wrapped = wrapMethod(original, passThrough, MARKER);

    expect(Object.getOwnPropertyDescriptor(wrapped, 'plain')).toMatchObject({ value: 1, enumerable: true });
    expect(Object.getOwnPropertyDescriptor(wrapped, key)).toMatchObject({ value: 2, enumerable: false });
  });

  it('keeps every Reflect metadata key', () => {
    const original: AnyMethod = () => 1;
    const key = Symbol('key');
    Reflect.defineMetadata('roles', ['admin'], original);
    Reflect.defineMetadata(key, 5, original);

    const wrapped = wrapMethod(original, passThrough, MARKER);

    expect(Reflect.getOwnMetadata('roles', wrapped)).toEqual(['admin']);
    expect(Reflect.getOwnMetadata(key, wrapped)).toBe(5);
  });

  it('returns the function itself when it carries the marker already', () => {
    const once = wrapMethod(() => 1, passThrough, MARKER);

    expect(wrapMethod(once, passThrough, MARKER)).toBe(once);
  });

  it('remembers the markers of all the wrappers below it', () => {
    const other = Symbol('other');
    const both = wrapMethod(
      wrapMethod(() => 1, passThrough, MARKER),
      passThrough,
      other,
    );

    expect([isMarked(both, MARKER), isMarked(both, other), isMarked(both, Symbol('third'))]).toEqual([
      true,
      true,
      false,
    ]);
  });
});

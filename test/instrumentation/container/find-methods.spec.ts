import { findMethods } from '../../../lib/instrumentation/container/find-methods.js';
import { type ModulesLike } from '../../../lib/instrumentation/nest/nest-modules.js';
import { Trace } from '../../../lib/tracing/trace.decorator.js';

/** An application that provides these classes. */
function providing(...classes: object[]): ModulesLike {
  const wrappers = classes.map((metatype) => ({
    metatype,
    instance: undefined,
    isNotMetatype: false,
    isAlias: false,
  }));
  const providers = new Map(wrappers.map((wrapper) => [wrapper.metatype, wrapper]));
  const module = { name: 'AppModule', metatype: undefined, controllers: new Map(), injectables: new Map() };
  return { values: () => [{ ...module, providers }] };
}

function namesOf(...classes: object[]): string[] {
  return findMethods([providing(...classes)]).map(({ name }) => name);
}

describe('methods that can have spans', () => {
  it('are known by their own class and by those that inherit them', () => {
    class FoundRepository {
      load(): void {
        // Nobody calls it.
      }
      save(): void {
        // Nobody calls it.
      }
    }
    class FoundOrders extends FoundRepository {
      override save(): void {
        // Nobody calls it.
      }
    }
    const methods = findMethods([providing(FoundOrders)]);
    const methodOf = (wanted: string) => methods.find(({ name }) => name === wanted)?.method;
    expect(methodOf('FoundOrders.load')).toBe(FoundRepository.prototype.load);
    expect(methodOf('FoundOrders.save')).toBe(FoundOrders.prototype.save);
    expect(methodOf('FoundRepository.save')).toBe(FoundRepository.prototype.save);
  });

  it('are left out where two classes have one name, for a span does not tell which it is about', () => {
    const classes = [1, 2].map((version) => {
      class TwiceController {
        find(): number {
          return version;
        }
      }
      return TwiceController;
    });
    expect(namesOf(...classes)).not.toContain('TwiceController.find');
    expect(namesOf(classes[0]!)).toContain('TwiceController.find');
  });

  it('are those that were written, below @Trace(), and those of classes without a provider', () => {
    const work = (): string => 'worked';
    class Provided {
      run(): void {
        // Nobody calls it.
      }
    }
    const { run } = Provided.prototype;
    Trace()(Provided);
    class Plain {
      work(): string {
        return work();
      }
    }
    const descriptor = { value: work, configurable: true, writable: true, enumerable: false };
    Trace('of another name')(Plain.prototype, 'work', descriptor);
    expect(descriptor.value).not.toBe(work);
    const methods = findMethods([providing(Provided)]);
    expect(methods).toContainEqual({ name: 'Provided.run', method: run, writtenIn: Provided });
    expect(methods).toContainEqual({ name: 'Plain.work', method: work, writtenIn: undefined });
  });
});

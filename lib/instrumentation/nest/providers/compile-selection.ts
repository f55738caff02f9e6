import {
  type NestProviderClass,
  type NestProviderInfo,
  type NestProviderSelection,
} from '../../../config/instrumentation.js';
import { warnOnce } from '../../../errors/warnings.js';
import { isOfLibrary, isOutOfBounds } from './framework-providers.js';

/** Metadata that `@Injectable()` leaves on a class. */
const INJECTABLE_METADATA = '__injectable__';

/** A class that the container has instances of. */
export interface ProviderCandidate {
  readonly type: NestProviderClass;
  readonly moduleName: string;
  /** Made by a factory or given as a value: only the instance says what class it is. */
  readonly made: boolean;
}

/** Which methods of a selected class are recorded. */
export type MethodFilter = (methodName: string) => boolean;

/** Gives the filter for a candidate, or undefined when it is not selected. */
export type SelectProvider = (candidate: ProviderCandidate) => MethodFilter | undefined;

const everyMethod: MethodFilter = () => true;

/** Turns the option `instrumentation.nest.providers` into one question. */
export function compileSelection(selection: NestProviderSelection): SelectProvider {
  const select = selectBy(selection);
  return (candidate) => (isOutOfBounds(candidate.type, candidate.moduleName) ? undefined : select(candidate));
}

function selectBy(selection: NestProviderSelection): SelectProvider {
  if (selection === 'all') return selectAll;
  if (typeof selection === 'function') return selectByPredicate(selection);
  return selectListed(selection);
}

const selectAll: SelectProvider = ({ type, moduleName, made }) => {
  if (isOfLibrary(type.name, moduleName)) return undefined;
  // A connection or a client that a factory opened is a library's, unless its class says it was written for Nest.
  return made && !Reflect.hasMetadata(INJECTABLE_METADATA, type) ? undefined : everyMethod;
};

function selectByPredicate(predicate: (provider: NestProviderInfo) => boolean): SelectProvider {
  const ask = (provider: NestProviderInfo): boolean => {
    try {
      return predicate(provider);
    } catch (error) {
      warnOnce(
        'nest:providers',
        `The function of instrumentation.nest.providers failed for ${provider.className}, which is left out: ${String(error)}`,
      );
      return false;
    }
  };
  return ({ type: { name: className }, moduleName }) =>
    ask({ className, moduleName }) ? (methodName) => ask({ className, moduleName, methodName }) : undefined;
}

function selectListed(list: readonly (NestProviderClass | string)[]): SelectProvider {
  const classes = list.filter((entry) => typeof entry !== 'string');
  const names = new Set(list.filter((entry) => typeof entry === 'string'));
  return ({ type }) => {
    const listed = classes.some((each) => each === type || extendsClass(type, each));
    if (listed || names.has(type.name)) return everyMethod;
    const single = [...names].some((name) => name.startsWith(`${type.name}.`));
    return single ? (methodName) => names.has(`${type.name}.${methodName}`) : undefined;
  };
}

function extendsClass(type: NestProviderClass, base: NestProviderClass): boolean {
  return type.prototype instanceof base;
}

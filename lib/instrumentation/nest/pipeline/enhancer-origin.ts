import { type Attributes } from '@opentelemetry/api';

import {
  ATTR_NESTJS_CLASS,
  ATTR_NESTJS_MODULE,
  ATTR_NESTJS_STAGE,
} from '../../../config/semantic-conventions.constants.js';
import { moduleNameOfInstance } from '../nest-modules.js';
import { type Stage } from './stages.constants.js';

/** Who an enhancer is. */
export interface EnhancerOrigin {
  readonly className: string;
  /** `AuthModule/AuthGuard`; the class alone for an instance that no module provides. */
  readonly label: string;
  /** Attributes of its spans and of exceptions it throws. Frozen, one object per stage. */
  attributes(stage: Stage): Attributes;
}

const origins = new WeakMap<object, EnhancerOrigin>();

/**
 * Tells class and module of a guard, an interceptor, a pipe or a filter.
 *
 * @param user the class of the handler it is bound to, where that is known
 */
export function originOf(enhancer: object, user?: object): EnhancerOrigin {
  let origin = origins.get(enhancer);
  if (origin === undefined) {
    origin = describe(enhancer, user);
    origins.set(enhancer, origin);
  }
  return origin;
}

function describe(enhancer: object, user: object | undefined): EnhancerOrigin {
  const type: unknown = typeof enhancer === 'function' ? enhancer : Reflect.get(enhancer, 'constructor');
  const isClass = typeof type === 'function' && type !== Object && type.name !== '';
  const className = isClass ? type.name : 'anonymous';
  const moduleName = isClass ? moduleNameOfInstance(enhancer, type, user) : undefined;
  const byStage = new Map<Stage, Attributes>();
  return {
    className,
    label: moduleName === undefined ? className : `${moduleName}/${className}`,
    attributes(stage) {
      let attributes = byStage.get(stage);
      if (attributes === undefined) {
        attributes = Object.freeze({
          [ATTR_NESTJS_STAGE]: stage.name,
          [ATTR_NESTJS_CLASS]: className,
          ...(moduleName !== undefined && { [ATTR_NESTJS_MODULE]: moduleName }),
        });
        byStage.set(stage, attributes);
      }
      return attributes;
    },
  };
}

import {
  decorateMethodOrClass,
  type MethodOrClassDecorator,
} from '../../lib/invocation/decorate-method-or-class.js';

/** Calls that went through a wrapper, as `Class.method`. */
export const recordedCalls: string[] = [];

const MARKER = Symbol('test.recorded');

/** The smallest decorator built on `decorateMethodOrClass`. */
export function Recorded(): MethodOrClassDecorator {
  return decorateMethodOrClass({
    name: '@Recorded()',
    marker: MARKER,
    wrap: (original, site) =>
      function (this: unknown, ...args) {
        recordedCalls.push(`${site.className(this)}.${site.methodName}`);
        return original.apply(this, args);
      },
  });
}

import type { Context, TextMapGetter, TextMapPropagator, TextMapSetter } from '@opentelemetry/api';
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import type * as b3Package from '@opentelemetry/propagator-b3';

import type { PropagatorName } from '../config/propagation.js';
import { warnOnce } from '../errors/warnings.js';
import { requireForPackage } from '../process/application-modules.js';
import { awaitPropagator } from './loading-propagators.js';

const BY_NAME: Record<PropagatorName, () => TextMapPropagator> = {
  tracecontext: () => new W3CTraceContextPropagator(),
  baggage: () => new W3CBaggagePropagator(),
  b3: () => new LazyB3Propagator('SINGLE_HEADER', ['b3']),
  b3multi: () =>
    new LazyB3Propagator('MULTI_HEADER', [
      'x-b3-traceid',
      'x-b3-spanid',
      'x-b3-flags',
      'x-b3-sampled',
      'x-b3-parentspanid',
    ]),
};

/** Combines the configured propagators into the one the process uses. */
export function createPropagator(
  propagators: readonly (PropagatorName | TextMapPropagator)[],
): TextMapPropagator {
  return new CompositePropagator({
    propagators: propagators.map((propagator) =>
      typeof propagator === 'string' ? BY_NAME[propagator]() : propagator,
    ),
  });
}

function createB3(b3: typeof b3Package, encoding: Encoding): TextMapPropagator {
  return new b3.B3Propagator({ injectEncoding: b3.B3InjectEncoding[encoding] });
}

function requireB3(encoding: Encoding): TextMapPropagator | undefined {
  const name = '@opentelemetry/propagator-b3';
  try {
    const found = requireForPackage(name)?.(name) as typeof b3Package | undefined;
    return found && createB3(found, encoding);
  } catch {
    // Another version, perhaps; the `import()` finds ours.
    return undefined;
  }
}

type Encoding = 'SINGLE_HEADER' | 'MULTI_HEADER';

/**
 * Loads its package, which few applications need, when it is created: synchronously where the
 * application finds it, as after an install by npm. In a bundle and with pnpm, where it is only
 * found from this library, it carries nothing until an `import()` is done.
 */
class LazyB3Propagator implements TextMapPropagator {
  private loaded: TextMapPropagator | undefined;

  constructor(
    encoding: Encoding,
    private readonly names: readonly string[],
  ) {
    this.loaded = requireB3(encoding);
    if (this.loaded !== undefined) return;
    awaitPropagator(this.load(encoding));
  }

  inject(context: Context, carrier: unknown, setter: TextMapSetter): void {
    this.loaded?.inject(context, carrier, setter);
  }

  extract(context: Context, carrier: unknown, getter: TextMapGetter): Context {
    return this.loaded?.extract(context, carrier, getter) ?? context;
  }

  fields(): string[] {
    return [...this.names];
  }

  private async load(encoding: Encoding): Promise<void> {
    try {
      this.loaded = createB3(await import('@opentelemetry/propagator-b3'), encoding);
    } catch (error) {
      warnOnce(
        'propagator-b3',
        `B3 headers are neither read nor sent, because @opentelemetry/propagator-b3 could not be loaded: ${String(error)}. ` +
          'It is a dependency of nestjs-telemetry: run `npm install` again.',
      );
    }
  }
}

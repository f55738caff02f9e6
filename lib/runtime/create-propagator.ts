import type { Context, TextMapGetter, TextMapPropagator, TextMapSetter } from '@opentelemetry/api';
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';

import type { PropagatorName } from '../config/propagation.js';
import { warnOnce } from '../errors/warnings.js';

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

const loading = new Set<Promise<void>>();

/** Resolves when the propagators that were created so far are loaded. Never rejects. */
export async function propagatorsLoaded(): Promise<void> {
  await Promise.all(loading);
}

/**
 * Loads its package, which few applications need, when it is created. Carries nothing in the
 * milliseconds before it is loaded.
 */
class LazyB3Propagator implements TextMapPropagator {
  private loaded: TextMapPropagator | undefined;

  constructor(
    encoding: 'SINGLE_HEADER' | 'MULTI_HEADER',
    private readonly names: readonly string[],
  ) {
    const load = this.load(encoding);
    loading.add(load);
    void load.then(() => loading.delete(load));
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

  private async load(encoding: 'SINGLE_HEADER' | 'MULTI_HEADER'): Promise<void> {
    try {
      const { B3InjectEncoding, B3Propagator } = await import('@opentelemetry/propagator-b3');
      this.loaded = new B3Propagator({ injectEncoding: B3InjectEncoding[encoding] });
    } catch (error) {
      warnOnce(
        'propagator-b3',
        `B3 headers are neither read nor sent, because @opentelemetry/propagator-b3 could not be loaded: ${String(error)}. ` +
          'It is a dependency of nestjs-telemetry: run `npm install` again.',
      );
    }
  }
}

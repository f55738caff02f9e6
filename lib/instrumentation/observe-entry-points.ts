import { type HttpAdapterHost, type ModulesContainer } from '@nestjs/core';

import { observeGraphql } from './graphql/observe-graphql.js';
import { observeGateways } from './websockets/observe-gateways.js';
import { type RunningTelemetry } from '../runtime/running-telemetry.interface.js';

/** Records what enters one application by other ways than plain HTTP; returns the undo. */
export function observeEntryPoints(
  { config, runtime }: RunningTelemetry,
  modules: ModulesContainer,
  host: HttpAdapterHost,
): () => void {
  const undo: (() => void)[] = [];
  if (runtime !== undefined) {
    const { instrumentation } = config;
    if (instrumentation.websockets) undo.push(observeGateways(modules));
    if (instrumentation.graphql) undo.push(observeGraphql(modules, host));
  }
  return () => {
    for (const restore of undo) restore();
  };
}

import { type NestConfig } from '../../config/telemetry-config.interface.js';
import { activateInstrumentation } from '../instrumentation-registry.js';
import { type ModulesLike } from './nest-container.interface.js';
import { registerModules } from './nest-modules.js';
import { recordPipeline } from './pipeline/record-pipeline.js';
import { recordProviders } from './providers/record-providers.js';
import { recordRequestScope } from './record-request-scope.js';
import { wrapHandlers } from './wrap-handlers.js';

/** NestJS's own machinery in one application, as far as it is recorded. */
export interface NestInstrumentation {
  /** Takes up the providers there are by now; once whoever gives methods spans of their own has done so. */
  complete(): void;
  stop(): void;
}

/** Records handlers, the pipeline around them and the providers of one application. */
export function instrumentNest(
  modules: ModulesLike,
  { pipeline, providers }: NestConfig,
): NestInstrumentation {
  const undo = [registerModules(modules)];
  wrapHandlers(modules);
  if (pipeline !== false) undo.push(activateInstrumentation('nest-pipeline', recordPipeline));
  undo.push(activateInstrumentation('nest-request-scope', recordRequestScope));
  const recorded = providers === undefined ? undefined : recordProviders(modules, providers);
  if (recorded !== undefined)
    undo.push(() => {
      recorded.stop();
    });
  return {
    complete: () => recorded?.complete(),
    stop: () => {
      for (const restore of undo.splice(0).reverse()) restore();
    },
  };
}

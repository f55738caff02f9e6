import { undoAll } from '../../process/undo-all.js';
import { type Application, type ApplicationPart } from '../../runtime/application.js';
import { activateInstrumentation } from '../active-instrumentations.js';
import { registerModules } from './nest-modules.js';
import { warnOfInertInstrumentation } from './official-instrumentation.js';
import { recordPipeline } from './pipeline/record-pipeline.js';
import { recordRequestScope } from './record-request-scope.js';
import { wrapHandlers } from './wrap-handlers.js';

/** Records the handlers of one application and the pipeline around them. */
export function attachNest({ config, runtime, modules }: Application): ApplicationPart | undefined {
  const { nest } = config.instrumentation;
  if (runtime === undefined) return undefined;
  const ready = (): void => {
    warnOfInertInstrumentation(config.instrumentations);
  };
  if (nest === undefined) return { ready, stop: () => undefined };
  const undo = [registerModules(modules)];
  wrapHandlers(modules);
  if (nest.pipeline !== false) undo.push(activateInstrumentation('nest-pipeline', recordPipeline));
  undo.push(activateInstrumentation('nest-request-scope', recordRequestScope));
  return { ready, stop: undoAll(undo) };
}

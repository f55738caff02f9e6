import { type Instrumentation } from '../config/otel-instrumentation.interface.js';
import { type TelemetryConfig } from '../config/telemetry-config.interface.js';
import { listLoadedFilesOnce } from '../process/application-modules.js';
import { undoAll } from '../process/undo-all.js';
import { activateInstrumentation } from './active-instrumentations.js';
import { type RecordedClient } from './define-instrumentation.js';
import { enableOtelInstrumentation } from './otel-instrumentations.js';
import { clientInstrumentations } from './registry.js';

/** Turns on what the configuration switches on for the whole process; returns the undo. */
export function startInstrumentations({ instrumentation, instrumentations }: TelemetryConfig): () => void {
  const undo: (() => void)[] = [];
  listLoadedFilesOnce(() => {
    for (const [name, { clients }] of clientInstrumentations()) {
      if (!instrumentation[name]) continue;
      for (const [client, definition] of Object.entries(clients)) {
        if (!isReplaced(definition, instrumentations))
          undo.push(activateInstrumentation(client, definition.start));
      }
    }
  });
  for (const foreign of instrumentations) undo.push(enableOtelInstrumentation(foreign));
  return undoAll(undo);
}

/**
 * Ours steps back where the application has passed an OpenTelemetry instrumentation of the same
 * calls.
 */
function isReplaced({ replaces = [] }: RecordedClient, passed: readonly Instrumentation[]): boolean {
  return passed.some(({ instrumentationName }) => replaces.includes(instrumentationName));
}

import { type TelemetryConfig } from '../config/telemetry-config.interface.js';
import { listLoadedFilesOnce } from '../process/application-modules.js';
import { undoAll } from '../process/undo-all.js';
import { activateInstrumentation } from './active-instrumentations.js';
import { enableOtelInstrumentation } from './otel-instrumentations.js';
import { clientInstrumentations } from './registry.js';

/** Turns on what the configuration switches on for the whole process; returns the undo. */
export function startInstrumentations({ instrumentation, instrumentations }: TelemetryConfig): () => void {
  const undo: (() => void)[] = [];
  const passed = instrumentations.map(({ instrumentationName }) => instrumentationName);
  listLoadedFilesOnce(() => {
    for (const [name, { clients }] of clientInstrumentations()) {
      if (!instrumentation[name]) continue;
      for (const [client, { start, replaces = [] }] of Object.entries(clients)) {
        // Ours is left out where the application has passed an OpenTelemetry instrumentation of the
        // same calls.
        if (!replaces.some((each) => passed.includes(each)))
          undo.push(activateInstrumentation(client, start));
      }
    }
  });
  for (const foreign of instrumentations) undo.push(enableOtelInstrumentation(foreign));
  return undoAll(undo);
}

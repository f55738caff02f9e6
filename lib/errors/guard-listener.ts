import { warnOnce } from './warnings.js';

/** Returns a listener of a diagnostics channel that logs what `listen` throws, once: Node would end the process. */
export function guardListener(name: string, listen: (message: unknown) => void): (message: unknown) => void {
  return (message) => {
    try {
      listen(message);
    } catch (error) {
      warnOnce(`channel:${name}`, `Telemetry could not record a message of ${name}: ${String(error)}`);
    }
  };
}

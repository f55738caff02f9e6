import { createListeners, useSyncExternalStore } from './parts/use-external-store.js';

const listeners = createListeners();
let answers = true;

/** Keeps in mind whether the last request was answered, by whatever status. */
export function tellConnection(answered: boolean): void {
  if (answered === answers) return;
  answers = answered;
  listeners.tell();
}

/** Whether the application answers, as far as is known. */
export const useConnection = (): boolean => useSyncExternalStore(listeners.subscribe, () => answers);

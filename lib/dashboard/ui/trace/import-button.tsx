import { useRef, useState } from 'preact/hooks';

import { addressOf, go } from '../state.js';
import { importOtlp, keepImported } from './otlp-import.js';

/** Opens a trace from a file of OTLP JSON. It stays in this tab; nothing is sent anywhere. */
export function ImportButton() {
  const input = useRef<HTMLInputElement>(null);
  const [error, setError] = useState<string>();
  const read = async (file: File | undefined): Promise<void> => {
    if (!file) return;
    try {
      const trace = importOtlp(await file.text());
      keepImported(trace);
      setError(undefined);
      go(addressOf(['trace', trace.summary.traceId]));
    } catch (failure) {
      setError(failure instanceof Error ? failure.message : String(failure));
    }
  };
  return (
    <>
      <button type="button" onClick={() => input.current?.click()}>
        Import OTLP
      </button>
      <input
        ref={input}
        class="visually-hidden"
        type="file"
        accept=".json,application/json"
        aria-label="A file of OTLP JSON"
        tabIndex={-1}
        onChange={(event) => {
          void read(event.currentTarget.files?.[0]);
          event.currentTarget.value = '';
        }}
      />
      {error !== undefined && (
        <p class="status-error" role="alert">
          This file cannot be read as a trace. {error}
        </p>
      )}
    </>
  );
}

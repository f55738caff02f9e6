import { useRef, useState } from 'preact/hooks';

import type { TraceApi } from '../../panels/trace/query.js';
import { clientOf } from '../client.js';
import { hasFeature } from '../database.js';
import { addressOf, go } from '../state.js';

const traceApi = clientOf<TraceApi>();

/** Takes traces and their log lines from a file of OTLP JSON, such as one that was downloaded, into the store of the application, and opens it. */
export function ImportButton() {
  const input = useRef<HTMLInputElement>(null);
  const [error, setError] = useState<string>();
  if (!hasFeature('import')) return null;
  const read = async (file: File | undefined): Promise<void> => {
    if (!file) return;
    try {
      const { traceIds } = await traceApi.post('traces/import', await file.text());
      setError(undefined);
      if (traceIds[0] !== undefined) go(addressOf(['trace', traceIds[0]]));
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
        accept=".json,.jsonl,.ndjson,application/json"
        aria-label="A file of OTLP JSON"
        tabIndex={-1}
        onChange={(event) => {
          void read(event.currentTarget.files?.[0]);
          event.currentTarget.value = '';
        }}
      />
      {error !== undefined && (
        <p class="status-error" role="alert">
          The file could not be imported. {error}
        </p>
      )}
    </>
  );
}

import { useState } from 'preact/hooks';

import { createListeners, useSyncExternalStore } from './parts/compat.js';
import { keep, readKept } from './parts/kept.js';
import { addView, MAX_NAME, parseViews, renameView, type SavedView } from './parts/view-list.js';

const ID = 'saved-views';
const KEY = 'telemetry-saved-views';

const listeners = createListeners();
let views: readonly SavedView[] = [];

/** Another tab may have saved some. */
function readAgain(): void {
  views = parseViews(readKept(KEY));
  listeners.tell();
}

/** Returns why the views are not saved. */
function save(changed: readonly SavedView[] | string): string | undefined {
  if (typeof changed === 'string') return changed;
  const text = JSON.stringify(changed);
  keep(KEY, text);
  const isKept = readKept(KEY) === text;
  readAgain();
  return isKept ? undefined : 'This browser does not let the page keep anything.';
}

const dialog = (): HTMLDialogElement | null => document.querySelector<HTMLDialogElement>(`#${ID}`);

export function showSavedViews(): void {
  readAgain();
  if (dialog()?.open === false) dialog()?.showModal();
}

/** What the window is called, without the name of the page: a first name for the view. */
const suggestedName = (): string => document.title.replace(/ · Telemetry$/, '').slice(0, MAX_NAME);

interface NameFormProps {
  readonly label: string;
  readonly button: string;
  readonly initial: string;
  /** Returns why the name is not taken. */
  readonly onName: (name: string) => string | undefined;
  readonly onCancel?: () => void;
}

function NameForm({ label, button, initial, onName, onCancel }: NameFormProps) {
  const [error, setError] = useState<string>();
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement; // the listener's element
    setError(onName(form.querySelector('input')?.value ?? ''));
  };
  return (
    <form class="buttons" onSubmit={submit}>
      <input
        class="field"
        aria-label={label}
        defaultValue={initial}
        maxLength={MAX_NAME}
        autocomplete="off"
        autofocus={onCancel !== undefined}
        required
      />
      <button type="submit">{button}</button>
      {onCancel && (
        <button type="button" onClick={onCancel}>
          Cancel
        </button>
      )}
      {error !== undefined && (
        <p class="status-error" role="alert">
          {error}
        </p>
      )}
    </form>
  );
}

function View({ view: { name, address } }: { readonly view: SavedView }) {
  const [isRenaming, setRenaming] = useState(false);
  if (isRenaming)
    return (
      <li>
        <NameForm
          label={`New name of ${name}`}
          button="Rename"
          initial={name}
          onName={(to) => {
            const refused = save(renameView(parseViews(readKept(KEY)), name, to));
            if (refused === undefined) setRenaming(false);
            return refused;
          }}
          onCancel={() => {
            setRenaming(false);
          }}
        />
      </li>
    );
  return (
    <li>
      <a href={address} title={address} onClick={() => dialog()?.close()}>
        {name}
      </a>
      <button
        type="button"
        class="link"
        aria-label={`Rename ${name}`}
        onClick={() => {
          setRenaming(true);
        }}
      >
        Rename
      </button>
      <button
        type="button"
        class="link"
        aria-label={`Delete ${name}`}
        onClick={() => {
          save(parseViews(readKept(KEY)).filter((view) => view.name !== name));
          // The button is gone: the focus stays in the dialog.
          dialog()?.querySelector('input')?.focus();
        }}
      >
        Delete
      </button>
    </li>
  );
}

/** Views that the reader has saved, in a dialog: they are kept in this browser. */
export function SavedViews() {
  const saved = useSyncExternalStore(listeners.subscribe, () => views);
  // Begins with the name of what is shown each time it is opened.
  const [opened, setOpened] = useState(0);
  return (
    <dialog
      id={ID}
      class="card keys-help saved-views"
      aria-label="Saved views"
      onToggle={() => {
        setOpened((before) => before + 1);
      }}
    >
      <h2>Saved views</h2>
      <p class="hint">A view is saved with its filters and its time range, in this browser only.</p>
      <NameForm
        key={opened}
        label="Name of this view"
        button="Save this view"
        initial={suggestedName()}
        onName={(name) => save(addView(parseViews(readKept(KEY)), { name, address: location.hash }))}
      />
      {saved.length === 0 ? (
        <p class="hint">None is saved yet.</p>
      ) : (
        <ul class="saved-list">
          {saved.map((view) => (
            <View key={view.name} view={view} />
          ))}
        </ul>
      )}
      <form method="dialog">
        <button type="submit">Close</button>
      </form>
    </dialog>
  );
}

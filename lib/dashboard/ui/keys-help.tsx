const ID = 'keys-help';

const KEYS: readonly (readonly [keys: string, does: string])[] = [
  ['?', 'shows this list'],
  ['v', 'shows the saved views, and saves this one'],
  ['/', 'goes to the search; in a trace, finds spans'],
  ['Esc', 'leaves a field, or closes the innermost panel'],
  ['1 to 9', 'the views of the header'],
  ['↑ ↓ PgUp PgDn Home End', 'move in a list or the waterfall'],
  ['Enter', 'opens a trace, or the trace of a line; goes from a span to its panel'],
  ['← →', 'collapse and open a span; from dot to dot of a chart'],
  ['Shift and arrows', 'select a region of a chart; Enter looks into it, Esc clears it'],
  ['z', 'zooms the waterfall or flame graph to the span, and back'],
];

export function showKeysHelp(): void {
  document.querySelector<HTMLDialogElement>(`#${ID}`)?.showModal();
}

/** The keys of the page, in a dialog. */
export function KeysHelp() {
  return (
    <dialog id={ID} class="card keys-help" aria-label="Keys">
      <h2>Keys</h2>
      <dl class="facts">
        {KEYS.map(([keys, does]) => (
          <div key={keys}>
            <dt class="code">{keys}</dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <form method="dialog">
        <button type="submit">Close</button>
      </form>
    </dialog>
  );
}

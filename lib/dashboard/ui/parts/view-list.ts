/** An address of the page that the reader has given a name. */
export interface SavedView {
  readonly name: string;
  /** `#/traces?status=error&range=1h` */
  readonly address: string;
}

export const MAX_VIEWS = 50;
export const MAX_NAME = 80;
const MAX_ADDRESS = 4_000;

/** The views of a kept text; entries that are none are left out, because anything may have written it. */
export function parseViews(text: string | undefined): readonly SavedView[] {
  let kept: unknown;
  try {
    kept = JSON.parse(text ?? '[]');
  } catch {
    // It was not written here.
    return [];
  }
  const views = Array.isArray(kept) ? kept.map(toView).filter((view) => view !== undefined) : [];
  return views
    .filter(({ name }, at) => views.findIndex((other) => other.name === name) === at)
    .slice(0, MAX_VIEWS);
}

/** Without other fields that a later version may write. */
function toView(entry: unknown): SavedView | undefined {
  if (typeof entry !== 'object' || entry === null) return undefined;
  const { name, address } = entry as Readonly<Record<string, unknown>>;
  if (typeof name !== 'string' || typeof address !== 'string') return undefined;
  return name === tidyName(name) && name !== '' && isAddress(address) ? { name, address } : undefined;
}

/** Of this page, so that a link to it leads nowhere else. */
const isAddress = (address: string): boolean =>
  /^#\/[^\s<>"]*$/.test(address) && address.length <= MAX_ADDRESS;

/** In one line, not too long. */
export const tidyName = (name: string): string =>
  name.replaceAll(/\s+/g, ' ').trim().slice(0, MAX_NAME).trim();

/** The list with the view at the front, in place of one of its name; or why it cannot be saved. */
export function addView(views: readonly SavedView[], view: SavedView): readonly SavedView[] | string {
  const name = tidyName(view.name);
  if (name === '') return 'Give the view a name.';
  if (!isAddress(view.address)) return 'The address of this view is too long to be saved.';
  const others = views.filter((other) => other.name !== name);
  if (others.length >= MAX_VIEWS) return `${MAX_VIEWS} views are saved: delete one first.`;
  return [{ name, address: view.address }, ...others];
}

/** The list with another name for a view; or why it cannot have it. */
export function renameView(
  views: readonly SavedView[],
  from: string,
  to: string,
): readonly SavedView[] | string {
  const name = tidyName(to);
  if (name === '') return 'Give the view a name.';
  if (name !== from && views.some((view) => view.name === name)) return `There is a view “${name}” already.`;
  return views.map((view) => (view.name === from ? { ...view, name } : view));
}

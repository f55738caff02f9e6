import type { ComponentChild } from 'preact';

import type { Place } from './state.js';

/** The component of a view. */
export type View = (props: { readonly place: Place }) => ComponentChild;

/**
 * The part of a panel that the page shows. Its `view.tsx` exports the component as `View` and is imported by `load` alone: the bundler makes
 * a file of it, which the page fetches when the view is opened.
 */
export interface PanelView {
  /** First part of its addresses: `#/traces`. */
  readonly name: string;
  /** Its name for readers: in the header and the title of the window. */
  readonly title: string;
  /** `true`: a link in the header, with the next number as its key. A name: reached from that panel, which is marked as current. */
  readonly inHeader: true | string;
  /** Whether it depends on the time span of the header. */
  readonly usesTimeSpan: boolean;
  /** Whether it always shows all processes, or does where the database knows no metrics of one. Default: what is chosen. */
  readonly showsAllProcesses?: true | 'metrics';
  /** `() => import('./<panel>/view.js')` */
  readonly load: () => Promise<{ readonly View: View }>;
}

import type { ComponentChild } from 'preact';

import type { Place } from './state.js';

/** The part of a panel that the page shows. */
export interface PanelView {
  /** First part of its addresses: `#/traces`. */
  readonly name: string;
  /** Its name for readers: in the header and the title of the window. */
  readonly title: string;
  /** `true`: a link in the header, with the next number as its key. A name: reached from that panel, which is marked as current. */
  readonly inHeader: true | string;
  /** Whether it depends on the time span of the header. */
  readonly usesTimeSpan: boolean;
  readonly View: (props: { readonly place: Place }) => ComponentChild;
}

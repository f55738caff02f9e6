/** What became of a text: the value, or what to write instead; both when only a part of it can be used. */
export type Parsed<T> =
  { readonly value: T; readonly remedy?: undefined } | { readonly value?: T; readonly remedy: string };

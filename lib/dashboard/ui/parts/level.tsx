import { levelClass } from './severity.js';

/** The name of a level, in its colour. */
export const Level = ({ level }: { readonly level: string }) => (
  <span class={`level ${levelClass(level)}`}>{level}</span>
);

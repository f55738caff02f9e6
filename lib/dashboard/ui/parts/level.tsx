import { levelClass } from './severity.js';

export const Level = ({ level }: { readonly level: string }) => (
  <span class={`level ${levelClass(level)}`}>{level}</span>
);

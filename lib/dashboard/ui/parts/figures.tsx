import type { ComponentChildren } from 'preact';

/** A name, its value (undefined: not shown) and the class of both. */
export type Figure = readonly [label: string, value: ComponentChildren, tone?: string];

interface FiguresProps {
  readonly of: readonly Figure[];
  readonly class?: string;
}

/** Names and values side by side. */
export function Figures({ of, class: name = 'figures' }: FiguresProps) {
  return (
    <dl class={name}>
      {of.map(
        ([label, value, tone = '']) =>
          value !== undefined && (
            <div key={label} class={tone}>
              <dt>{label}</dt>
              <dd>{value}</dd>
            </div>
          ),
      )}
    </dl>
  );
}

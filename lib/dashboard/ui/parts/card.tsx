import type { ComponentChildren } from 'preact';

interface CardProps {
  readonly title: string;
  readonly children: ComponentChildren;
}

/** A section of a view, with its heading. */
export function Card({ title, children }: CardProps) {
  return (
    <section class="card" aria-label={title}>
      <header>
        <h2>{title}</h2>
      </header>
      {children}
    </section>
  );
}

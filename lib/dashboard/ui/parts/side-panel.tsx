import type { ComponentChildren } from 'preact';

interface SidePanelProps {
  /** Its name for assistive technology. */
  readonly label: string;
  /** Its title, or its tabs. */
  readonly head: ComponentChildren;
  readonly closes: string;
  readonly onClose: () => void;
  readonly class?: string;
  readonly id?: string;
  readonly children: ComponentChildren;
}

/** A panel beside a view, which can be closed. */
export function SidePanel({ label, head, closes, onClose, class: name = '', id, children }: SidePanelProps) {
  return (
    <aside class={`panel ${name}`} id={id} tabIndex={-1} aria-label={label}>
      <div class="tabs">
        {head}
        <button type="button" class="close" aria-label={closes} onClick={onClose}>
          ×
        </button>
      </div>
      <div class="panel-body">{children}</div>
    </aside>
  );
}

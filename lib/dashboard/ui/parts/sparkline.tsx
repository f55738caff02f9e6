import { SPARKLINE, sparklinePath } from './sparkline-path.js';

interface SparklineProps {
  /** Undefined while they are loaded: its place stays the same. */
  readonly values: readonly (number | null)[] | undefined;
  /** A CSS custom property. */
  readonly colour: string;
}

/** A line without axes, from zero to its maximum. The number beside it says how much; it says how that came about. */
export function Sparkline({ values, colour }: SparklineProps) {
  return (
    <svg
      class="sparkline"
      viewBox={`0 0 ${SPARKLINE.width} ${SPARKLINE.height}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      {values && <path d={sparklinePath(values)} style={{ stroke: `var(${colour})` }} />}
    </svg>
  );
}

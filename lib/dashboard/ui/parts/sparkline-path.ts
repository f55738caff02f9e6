/** The box in which the path is drawn; CSS gives it its size on the page. */
export const SPARKLINE = { width: 72, height: 18 } as const;

/** So that a line at the top or bottom is not cut in half. */
const MARGIN = 1.5;

/**
 * The path of an SVG that follows values from the left to the right, from zero to their maximum: with a gap where one is missing, and a
 * dash for one without neighbours. Empty where there is none.
 */
export function sparklinePath(values: readonly (number | null)[]): string {
  const top = values.reduce<number>((max, value) => Math.max(max, value ?? 0), 0);
  const step = SPARKLINE.width / Math.max(1, values.length - 1);
  const height = SPARKLINE.height - 2 * MARGIN;
  const yOf = (value: number): number => SPARKLINE.height - MARGIN - (top === 0 ? 0 : (value / top) * height);
  const isThere = (index: number): boolean => typeof values[index] === 'number';
  return values
    .map((value, index) => {
      if (value === null) return '';
      const [x, y] = [(index * step).toFixed(1), yOf(value).toFixed(1)];
      if (isThere(index - 1)) return `L${x} ${y}`;
      return isThere(index + 1) ? `M${x} ${y}` : `M${Math.max(0, index * step - 1.5).toFixed(1)} ${y}h3`;
    })
    .join('');
}

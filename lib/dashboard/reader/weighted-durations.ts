/** Durations of spans, each of which may stand for several. Milliseconds. */
export class WeightedDurations {
  private readonly durations: number[] = [];
  /** Undefined as long as each stands for itself alone, which is the rule. */
  private weights: number[] | undefined;
  /** How many spans there were. */
  count = 0;
  totalMs = 0;

  add(ms: number, weight: number): void {
    if (weight !== 1) this.weights ??= this.durations.map(() => 1);
    this.weights?.push(weight);
    this.durations.push(ms);
    this.count += weight;
    this.totalMs += ms * weight;
  }

  /** The smallest one that is not below a share of all; 0 where there are none. @param share 0 to 1 */
  quantile(share: number): number {
    const { durations, weights } = this;
    const wanted = share * this.count;
    if (weights === undefined)
      return Float64Array.from(durations).sort()[Math.max(0, Math.ceil(wanted) - 1)] ?? 0;
    const rising = durations
      .map((_, index) => index)
      .sort((a, b) => (durations[a] ?? 0) - (durations[b] ?? 0));
    let reached = 0;
    // Sums of fractions are not exact.
    const found = rising.find((index) => (reached += weights[index] ?? 0) >= wanted * (1 - 1e-12));
    return durations[found ?? -1] ?? 0;
  }
}

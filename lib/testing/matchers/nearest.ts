import { editDistance } from '../../config/option-rules.js';
import { type Difference } from './compare-values.js';

/** What was recorded, and how it differs from what is expected. */
export interface Candidate<T> {
  readonly item: T;
  readonly differences: readonly Difference[];
}

/** Texts are compared up to here, and as many candidates. */
const MAX_TEXT = 200;
const MAX_CANDIDATES = 2_000;

/**
 * The candidate with the fewest differences; among equals the one whose texts are the most similar.
 *
 * @param title what says the most about a candidate
 */
export function nearestOf<T>(candidates: readonly Candidate<T>[], title = 'name'): Candidate<T> | undefined {
  const [nearest] = candidates
    .slice(0, MAX_CANDIDATES)
    .map((candidate) => ({ candidate, distance: distanceOf(candidate.differences, title) }))
    .sort((a, b) => a.distance - b.distance);
  return nearest?.candidate;
}

/** 1 for each difference, and more for one between texts that are unlike. */
function distanceOf(differences: readonly Difference[], title: string): number {
  return differences.reduce(
    (sum, { what, expected, received }) =>
      sum + 1 + (what === title ? 4 : 1) * unlikeness(expected, received),
    0,
  );
}

/** 0 for texts that are the same, 1 for those that have nothing in common. */
function unlikeness(expected: unknown, received: unknown): number {
  if (received === undefined) return 1;
  if (typeof received !== 'string' || typeof expected !== 'string') return 0.5;
  const [a, b] = [expected.slice(0, MAX_TEXT), received.slice(0, MAX_TEXT)];
  return editDistance(a, b) / Math.max(a.length, b.length, 1);
}

import { canonicalJson, sha256Hex } from '../store/json.ts';

/** What a trial's seed depends on beside the cycle's. */
type Part = string | number;

function hash(seed: number, parts: readonly Part[]): number {
  return Number.parseInt(sha256Hex(canonicalJson([seed, ...parts])).slice(0, 8), 16);
}

/** Seed of a trial of the search, 32-bit unsigned: even. */
export function searchSeed(cycleSeed: number, ...parts: Part[]): number {
  return (hash(cycleSeed, parts) & ~1) >>> 0;
}

/** Seed of a trial of the screening, 32-bit unsigned: odd, so that no search has ever seen it. */
export function heldOutSeed(cycleSeed: number, ...parts: Part[]): number {
  return (hash(cycleSeed, parts) | 1) >>> 0;
}

import type { Archive } from '../archive.ts';
import type { Prng } from '../prng.ts';
import type { SearchSettings } from '../sampler.ts';
import type { Box, Point, Space } from '../space.ts';

/**
 * One way to choose the next point. A suggestion follows from the archive, the stream and the suggestions before it;
 * nothing is learned at a tell, so the order of tells between two suggestions makes no difference.
 */
export interface Sampler {
  readonly name: string;
  /** The next point to evaluate; it keeps every rule of the space. */
  propose(archive: Archive, random: Prng): Point;
  /** How often it started afresh after a collapse or a standstill. */
  readonly restarts?: number;
}

/** What a sampler is made from. */
export interface SamplerSetup {
  readonly space: Space;
  readonly settings: SearchSettings;
  /** For what is drawn once, at the start. */
  readonly random: Prng;
  /** The box that suggestions should stay in at the moment, if any. */
  readonly box: () => Box | undefined;
}

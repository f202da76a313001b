// A service with a known best setting: throughput peaks at cache 256 with mode fast; p99 rises with compress. Real
// noise from the trial's seed, a few per cent, so that paired measurements matter.
function noise(seed) {
  let t = (seed + 0x6d2b79f5) >>> 0;
  t = Math.imul(t ^ (t >>> 15), t | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32 - 0.5;
}

export function evaluate(params, { seed, domain }) {
  const distance = Math.abs(Math.log2(params.cache) - 8);
  const shape = 100 - 6 * distance + (params.mode === 'fast' ? 20 : 0) + (domain === 'read' ? 5 : 0);
  const wobble = 1 + 0.02 * noise(seed);
  return { throughput: shape * wobble, p99: (params.compress ? 30 : 10) * (1 + 0.02 * noise(seed ^ 0xffff)) };
}

/** The search by itself, in your own loop: ask for a setting, measure it, tell what came of it. */
import { compileSpace, createSearch } from 'kloros';

const space = compileSpace({
  parameters: {
    threads: { type: 'int', low: 1, high: 64, log: true, default: 4, autonomy: 'auto', risky: false },
    codec: {
      type: 'categorical',
      choices: ['none', 'lz4', 'zstd'],
      default: 'none',
      autonomy: 'auto',
      risky: false,
    },
    level: {
      type: 'int',
      low: 1,
      high: 19,
      log: false,
      default: 3,
      when: { codec: ['zstd'] },
      autonomy: 'auto',
      risky: false,
    },
  },
  constraints: [],
  forbidden: ['codec == "zstd" && threads > 32'],
});

/** Stands in for what you measure: seconds for a job, lower is better. */
function measure(params: Readonly<Record<string, unknown>>): number {
  const threads = Number(params.threads);
  const codec =
    { none: 9, lz4: 6, zstd: 5 + Math.abs(Number(params.level ?? 3) - 5) / 4 }[String(params.codec)] ?? 99;
  return codec + 40 / threads + threads / 8;
}

const search = createSearch(space, {
  directions: ['minimize'],
  budget: 40,
  seed: 1,
  noise: false,
  parallel: 1,
});
for (let n = 0; n < 40; n++) {
  const { id, params } = search.ask();
  search.tell(id, { values: [measure(params)] });
}
const [best] = search.recommend();
console.log(JSON.stringify({ params: best?.params, seconds: measure(best?.params ?? {}) }));

/** Where an editor finds the schema when KLoROS is a dependency of the folder that kloros.yaml stands in. */
const SCHEMA = './node_modules/kloros/kloros.schema.json';

/**
 * The commented kloros.yaml that `kloros init` writes: a small experiment to change, and every section of the loop
 * with its defaults, commented out. It passes the check as it is.
 * @param schema path or address of kloros.schema.json, for editors that complete and check by it
 */
export function configTemplate(schema: string = SCHEMA): string {
  return `# yaml-language-server: $schema=${schema}
# Configuration of KLoROS. Durations: 250ms, 90s, 5m, 24h, 7d. Sizes: 512B, 64KiB, 64MiB, 2GiB.
# \`kloros config check\` shows every mistake with its line; \`kloros config show --origin\` what is in force.
version: 1

${EXPERIMENTS}
${LOOP}`;
}

const EXPERIMENTS = `experiments:
  my-service:
    description: What is tuned, in a sentence
    # The knobs, with the values in force now as defaults. Types: float, int, categorical, ordinal, boolean.
    parameters:
      cache_mb:
        type: int
        low: 16
        high: 1024
        log: true # search by ratios: 16 to 32 is as far as 512 to 1024
        default: 64
        unit: MiB
      workers:
        type: int
        low: 1
        high: 16
        default: 4
      compression:
        type: categorical
        choices: [none, fast, best]
        default: none
      compression_level:
        type: int
        low: 1
        high: 9
        default: 3
        when: { compression: [fast, best] } # exists only beside these values
    # CEL over the parameters (https://cel.dev). Each constraint has to be true, nothing forbidden may be.
    constraints:
      - cache_mb * workers <= 4096
    forbidden:
      - compression == "best" && workers > 8

    # Measures one configuration in one domain: reads KLOROS_PARAMS, KLOROS_SEED and KLOROS_DOMAIN, and writes one
    # JSON object of metrics to the file KLOROS_METRICS. Run without a shell, in the folder of this file.
    evaluator:
      command: [node, evaluate.mjs]
    limits:
      timeout: 60s
      memory: 1GiB

    objectives:
      - { metric: throughput, direction: maximize }
    # What must not get worse: by share of the baseline, by an absolute limit, or both.
    guardrails:
      - { metric: latency_p99_ms, direction: minimize, max_regression: 0.1 }
    # The workloads to judge it in. A change has to hold in every one.
    domains:
      read-heavy: { args: { reads: 0.9 } }
      write-heavy: { args: { reads: 0.1 } }

    budget: # of one search
      trials: 40
      duration: 30m

    # Where the baseline goes: the service's own settings file, and how the service takes it up.
    # apply:
    #   file: settings.json
    #   format: json # json, yaml, toml, ini, env, template
    #   reload: [systemctl, --user, reload, my-service]
    #   health: [curl, --fail, --silent, http://127.0.0.1:8080/health]
    watch: # a new baseline is taken back when it fails this many checks in a row
      duration: 10m
      interval: 1m
      failures: 2
`;

const LOOP = `# When found changes are validated beside the baseline: a local time window, at most once a date.
phase:
  window: { start: "03:00", end: "07:00", zone: UTC }
  # alpha: 0.05 # chance of accepting anything that is no better
  # min_gain: 0.01 # smallest relative gain that is worth a change

# Which accepted changes wait for a person. CEL over changes (name, from, to, step_share, risky), risky, gain,
# experiment and source.
escrow:
  rules:
    - { when: "changes.exists(c, c.step_share > 0.5)", reason: a step over more than half of a range }
    - { when: risky, reason: a parameter named risky changes }
  # expires: 3d

# governor: { concurrent_trials: 2, trials_per_hour: 3600, min_free_disk: 512MiB }
# promotions: { ttl: 7d }
# intents: { per_tick: 10, max_waiting: 50, stale_after: 24h }
# reflection: { idle: 10m, every: 6h }
# retention: { baselines: 10, cycles: 200 }
# Each tick can write its metrics for node_exporter, into the .prom file that metrics.textfile names.
# tick: { interval: 60s }
`;

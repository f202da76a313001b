import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** A sound configuration with every section; the tests of mistakes change one place of it. */
export const SOUND = `version: 1
experiments:
  demo:
    parameters:
      cache: { type: int, low: 8, high: 1024, log: true, default: 64 }
      ratio: { type: float, low: 0, high: 1, step: 0.25, default: 0.5 }
      mode:
        type: categorical
        choices: [slow, fast]
        default: slow
      boost: { type: boolean, default: false, when: { mode: [fast] } }
    constraints:
      - cache * 2 <= 4096
    forbidden:
      - mode == "fast" && cache < 16
    evaluator:
      command: [node, evaluate.mjs]
      env: { LEVEL: "1" }
    limits: { timeout: 30s, memory: 64MiB }
    objectives:
      - { metric: throughput, direction: maximize }
    guardrails:
      - { metric: p99, direction: minimize, max_regression: 0.1 }
    domains:
      read: { weight: 2, args: { share: 0.9 } }
    search:
      points:
        - { cache: 128 }
    apply: { file: out/settings.json, format: json, section: tuning, keys: { cache: cacheSize } }
    watch: { duration: 10m, interval: 1m }
phase:
  window: { start: "03:00", end: "07:00", zone: Europe/Berlin }
escrow:
  rules:
    - { when: "changes.exists(c, c.step_share > 0.5)", reason: a large step }
`;

/** SOUND with one passage replaced, which has to be there exactly once. */
export function changed(from: string, to: string): string {
  if (SOUND.split(from).length !== 2) throw new Error(`"${from}" does not stand exactly once in SOUND`);
  return SOUND.replace(from, () => to);
}

const root = realpathSync(mkdtempSync(join(tmpdir(), 'kloros-config-')));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let count = 0;

/** A new folder, removed after the tests of the file. */
export function newFolder(): string {
  return mkdtempSync(join(root, `${count++}-`));
}

/** Writes a kloros.yaml into a folder of its own and returns its path. */
export function writeConfig(text: string | Uint8Array, folder = newFolder()): string {
  const file = join(folder, 'kloros.yaml');
  writeFileSync(file, text);
  return file;
}

import { appendFileSync, chmodSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { configure, type Fault, HOUR, sql } from './planting.ts';

/** Faults of the config. */
export const CONFIG_FAULTS: readonly Fault[] = [
  {
    code: 'config.missing',
    what: 'no kloros.yaml',
    mend: / init /,
    plant: (at) => void rmSync(at.home.configFile),
  },
  {
    code: 'config.syntax',
    what: 'broken YAML',
    mend: /config check/,
    plant: (at) => void appendFileSync(at.home.configFile, '\n  - : ['),
  },
  {
    code: 'config.invalid',
    what: 'a zone that is none',
    mend: /config check/,
    plant: (at) => configure(at, 'phase:', 'phase:\n  window: { zone: Europe/Berlni }'),
  },
  {
    code: 'config.writable',
    what: 'kloros.yaml for all to write',
    mend: /^chmod go-w /,
    plant: (at) => void chmodSync(at.home.configFile, 0o666),
  },
  {
    code: 'program.missing',
    what: 'an evaluator that is not installed',
    mend: /^"\$EDITOR" \+\d+ /,
    plant: (at) => configure(at, /module: .*/, 'command: [no-such-program, x]'),
  },
  {
    code: 'program.script-missing',
    what: 'a script that is not there',
    mend: /^"\$EDITOR" \+\d+ /,
    plant: (at) => configure(at, /module: .*/, 'command: [node, gone.mjs]'),
  },
  {
    code: 'program.not-executable',
    what: 'a reload that may not be run',
    mend: /^chmod \+x /,
    plant: (at) => {
      writeFileSync(join(at.home.root, 'reload.sh'), '#!/bin/sh\n', { mode: 0o644 });
      return configure(at, 'format: json', 'format: json\n      reload: [./reload.sh]');
    },
  },
  {
    code: 'program.module-missing',
    what: 'a module that is not there',
    mend: /^"\$EDITOR" \+\d+ /,
    plant: (at) => configure(at, /module: .*/, 'module: gone.mjs'),
  },
  {
    code: 'target.folder-missing',
    what: 'a target without a folder',
    mend: /^mkdir -p /,
    plant: (at) => configure(at, 'file: settings.json', 'file: not/there/settings.json'),
  },
  {
    code: 'target.folder-missing',
    what: 'a textfile without a folder',
    mend: /^mkdir -p /,
    plant: (at) => configure(at, 'version: 1', 'version: 1\nmetrics: { textfile: not/there/kloros.prom }'),
  },
  {
    code: 'target.unusable',
    what: 'a target that is no JSON',
    mend: /^"\$EDITOR" /,
    plant: (at) => void writeFileSync(at.home.settings, '{ "cache": '),
  },
  {
    code: 'target.template-missing',
    what: 'a template that is not there',
    mend: /^"\$EDITOR" /,
    plant: (at) => configure(at, 'format: json', 'format: template\n      template: gone.tmpl'),
  },
  {
    code: 'phase.too-short',
    what: 'trials that take hours',
    mend: /^"\$EDITOR" /,
    plant: (at) =>
      sql(
        at,
        `INSERT INTO trials VALUES ('c', 0, 'demo', 'search', '0', 'read', '{}', 1, 'completed', NULL, '{}', '{}', 1, ${2 * HOUR})`,
      ),
  },
  {
    code: 'evaluator.failed',
    what: 'an evaluator that fails',
    mend: /^"\$EDITOR" \+\d+ /,
    plant: (at) => {
      configure(at, /module: .*/, 'command: ["false"]');
      return { evaluator: true };
    },
  },
];

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { type Rule, readRules, rulesFile, testFiles, testsFolder } from './monitoring.ts';

function promtool(args: readonly string[], cwd = testsFolder): { ok: boolean; output: string } {
  const done = spawnSync('promtool', args, { cwd, encoding: 'utf8' });
  // A suite that quietly skips proves nothing.
  if (done.error)
    throw new Error('promtool is missing: run `node scripts/system-tools.mjs`', { cause: done.error });
  return { ok: done.status === 0, output: `${done.stdout}${done.stderr}` };
}

test('Prometheus accepts the rules', () => {
  const { ok, output } = promtool(['check', 'rules', rulesFile]);
  expect(output).toContain(`${readRules().length} rules found`);
  expect(ok, output).toBe(true);
});

test('Prometheus accepts the configuration that shows how to use them', () => {
  const { ok, output } = promtool(['check', 'config', join(dirname(rulesFile), 'prometheus.yml')]);
  expect(output).toContain('1 rule files found');
  expect(ok, output).toBe(true);
});

describe('each alert does in every case what its file says', () => {
  test.each(testFiles())('%s', (file) => {
    const { ok, output } = promtool(['test', 'rules', file]);
    expect(ok, output).toBe(true);
  });
});

/** A copy of the rules in which one is spoiled; what promtool says of that rule's cases. */
function casesAgainst(alert: string, spoil: (rule: Rule) => Rule): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'kloros-rules-'));
  try {
    const rules = readRules().map((rule) => (rule.alert === alert ? spoil(rule) : rule));
    writeFileSync(join(folder, 'rules.yml'), stringify({ groups: [{ name: 'kloros', rules }] }));
    const cases = parse(readFileSync(join(testsFolder, `${alert}.yml`), 'utf8')) as Record<string, unknown>;
    writeFileSync(join(folder, 'cases.yml'), stringify({ ...cases, rule_files: ['rules.yml'] }));
    return promtool(['test', 'rules', 'cases.yml'], folder).ok;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe('the cases notice a rule that', () => {
  const alerts = readRules().map(({ alert }) => alert);

  test.each(alerts)('fires the other way round: %s', (alert) => {
    const turned: Readonly<Record<string, string>> = { '>': '<=', '<': '>', '==': '!=', '>=': '<' };
    const spoil = (rule: Rule): Rule => ({
      ...rule,
      expr: rule.expr.replace(/ (==|>=|>|<) /, (_all, sign: string) => ` ${turned[sign]} `),
    });
    expect(casesAgainst(alert, spoil)).toBe(false);
  });

  test.each(
    readRules()
      .filter((rule) => rule.for !== undefined)
      .map(({ alert }) => alert),
  )('does not wait: %s', (alert) => {
    expect(casesAgainst(alert, ({ for: _, ...rule }) => rule)).toBe(false);
  });
});

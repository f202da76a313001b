import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { everyCommand, makeProgram } from '../../src/cli/program.ts';
import { definitionOf, type MetricDefinition } from '../../src/metrics/catalogue.ts';
import {
  dashboardQueries,
  exportedNames,
  metricsIn,
  type Rule,
  readDashboard,
  readRules,
  root,
  runbooksFolder,
  testFiles,
  testsFolder,
} from './monitoring.ts';

const rules = readRules();
const byName: [string, Rule][] = rules.map((rule) => [rule.alert, rule]);
const runbook = (alert: string) => readFileSync(join(runbooksFolder, `${alert}.md`), 'utf8');

/** The definition of a series, also of a part of a histogram. */
function definition(name: string): MetricDefinition | undefined {
  return definitionOf(name) ?? definitionOf(name.replace(/_(bucket|sum|count)$/, ''));
}

/** Labels that a selector compares with fixed values: `{result=~"failed|timeout"}`. */
function selectors(query: string): { name: string; label: string; values: string[] }[] {
  return [...query.matchAll(/\b(kloros_[a-z0-9_]+)\{([^}]*)\}/g)].flatMap(([, name = '', inside = '']) =>
    [...inside.matchAll(/([a-z]+)(?:=~?|!=|!~)"([^"]*)"/g)].map(([, label = '', values = '']) => ({
      name,
      label,
      values: values.split('|'),
    })),
  );
}

function expectExported(query: string): void {
  const exported = exportedNames();
  expect(metricsIn(query).filter((name) => !exported.has(name))).toEqual([]);
  for (const { name, label, values } of selectors(query)) {
    if (['instance', 'job', 'le'].includes(label)) continue;
    const known = definition(name)?.labels[label];
    expect(known, `${name}{${label}}`).toBeDefined();
    if (typeof known === 'object') expect(known).toEqual(expect.arrayContaining(values));
  }
}

describe('the alerts', () => {
  test('are there for every way in which the loop can fail silently', () => {
    expect(rules.length).toBeGreaterThanOrEqual(20);
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
  });

  test.each(byName)('%s asks only for metrics and label values that are exported', (_alert, { expr }) => {
    expect(metricsIn(expr).length).toBeGreaterThan(0);
    expectExported(expr);
  });

  test.each(byName)(
    '%s takes rates of counters and clocks of gauges, never the other way round',
    (_alert, { expr }) => {
      for (const [, name = ''] of expr.matchAll(/(?:increase|rate)\((kloros_[a-z0-9_]+)/g))
        expect(definition(name)?.type, name).toBe('counter');
      for (const [, name = ''] of expr.matchAll(/time\(\) - (kloros_[a-z0-9_]+)/g))
        expect(name).toMatch(/_timestamp_seconds$/);
    },
  );

  test.each(byName)('%s has a severity, says what it means, and links its runbook', (alert, rule) => {
    expect(['critical', 'warning']).toContain(rule.labels.severity);
    expect(rule.annotations).toMatchObject({
      summary: expect.stringMatching(/^[A-Z]/),
      description: expect.stringMatching(/\.$/),
      runbook: `docs/runbooks/${alert}.md`,
    });
    for (const text of Object.values(rule.annotations))
      for (const [, label = ''] of text.matchAll(/\$labels\.([a-z]+)/g)) {
        const labels = metricsIn(rule.expr).flatMap((name) => Object.keys(definition(name)?.labels ?? {}));
        expect(['instance', ...labels]).toContain(label);
      }
  });

  test.each(byName)('%s has a runbook with symptom, check, act and verify', (alert, { labels }) => {
    const text = runbook(alert);
    expect(text.startsWith(`# ${alert}\n`)).toBe(true);
    expect(text).toContain(`Severity: ${labels.severity}.`);
    expect([...text.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading)).toEqual([
      'Symptom',
      'Check',
      'Act',
      'Verify',
    ]);
    for (const part of text.split(/^## .*$/m).slice(1)) expect(part.trim().length).toBeGreaterThan(20);
  });

  test.each(byName)('%s has at least six cases for promtool', (alert) => {
    const { tests } = parse(readFileSync(join(testsFolder, `${alert}.yml`), 'utf8')) as {
      tests: { name: string }[];
    };
    expect(tests.length).toBeGreaterThanOrEqual(6);
    expect(new Set(tests.map(({ name }) => name)).size).toBe(tests.length);
    expect(tests.filter(({ name }) => name.startsWith('fires')).length).toBeGreaterThanOrEqual(1);
    expect(tests.some(({ name }) => name.startsWith('does not fire'))).toBe(true);
    expect(tests.some(({ name }) => name.startsWith('recovers'))).toBe(true);
  });

  test('have no runbook and no case file of an alert that is gone', () => {
    const alerts = rules.map(({ alert }) => alert).sort();
    const pages = readdirSync(runbooksFolder).filter((file) => file !== 'README.md');
    expect(pages.map((file) => file.replace(/\.md$/, '')).sort()).toEqual(alerts);
    expect(
      testFiles()
        .map((file) => file.replace(/\.yml$/, ''))
        .sort(),
    ).toEqual(alerts);
    for (const alert of alerts) expect(runbookIndex()).toContain(`[${alert}](${alert}.md)`);
  });
});

const runbookIndex = () => readFileSync(join(runbooksFolder, 'README.md'), 'utf8');

const program = await makeProgram();

describe('the runbooks', () => {
  const commands = new Map(
    everyCommand(program).map((command) => {
      const parents: string[] = [];
      for (let c: typeof command | null = command; c?.parent; c = c.parent) parents.unshift(c.name());
      return [parents.join(' '), command];
    }),
  );

  /** Lines of the code blocks that call kloros, cut at pipes. */
  const calls = (text: string) =>
    [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)]
      .flatMap(([, block = '']) => block.split('\n'))
      .filter((line) => /^kloros /.test(line))
      .map((line) => line.split(' | ')[0] ?? '');

  test.each(byName)('of %s names only commands and options that exist', (alert) => {
    for (const call of calls(runbook(alert))) {
      const [, ...words] = call.replaceAll(/"[^"]*"/g, 'TEXT').split(' ');
      const [first = '', second = ''] = words;
      const command = commands.get(`${first} ${second}`) ?? commands.get(first);
      expect(command, call).toBeDefined();
      const globals = program.options;
      const known = [...(command?.options ?? []), ...globals].flatMap(({ long, short }) => [long, short]);
      for (const option of words.filter((word) => word.startsWith('-')))
        expect(known, call).toContain(option);
    }
  });

  test.each(byName)('of %s names only events, keys, metrics and pages that exist', (alert) => {
    const text = runbook(alert);
    const source = [
      'dream',
      'drill',
      'phase',
      'baseline',
      'escrow',
      'intent',
      'promotion',
      'trial',
      'tick',
      'lock',
      'home',
    ];
    const code = source
      .flatMap((folder) => {
        const path = join(root, 'src', folder);
        return readdirSync(path, { recursive: true, encoding: 'utf8' }).map((file) => join(path, file));
      })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => readFileSync(file, 'utf8'))
      .join('\n');
    for (const [, what = '', kind = ''] of text.matchAll(/--(kind|event) ([a-z.-]+)/g)) {
      const [head = '', tail = ''] = kind.split('.');
      const literal = code.includes(`'${kind}'`) || (tail !== '' && code.includes(`\`${head}.\${`));
      expect(literal, `${what} ${kind}`).toBe(true);
    }
    for (const [, page = ''] of text.matchAll(/\]\((\.{0,2}[^)#]+\.md)\)/g))
      expect(existsSync(join(runbooksFolder, page)), page).toBe(true);
    const schema = readFileSync(join(root, 'kloros.schema.json'), 'utf8');
    for (const [, key = ''] of text.matchAll(
      /`((?:governor|phase|promotions|intents|escrow|retention|limits|budget|apply|watch)\.[a-z_.]+)`/g,
    ))
      expect(schema, key).toContain(`"${key.split('.').at(-1)}"`);
    for (const name of metricsIn(text))
      expect(
        [...exportedNames()].some((exported) => exported.startsWith(name)),
        name,
      ).toBe(true);
  });
});

describe('the dashboard', () => {
  const queries = dashboardQueries();

  test.each(queries)('asks in "$title" only for metrics and label values that are exported', ({ expr }) => {
    expectExported(expr);
  });

  test('shows every metric of the catalogue but those that others contain', () => {
    const shown = new Set(queries.flatMap(({ expr }) => metricsIn(expr)));
    const parts = /_(sum|count)$/;
    const elsewhere = new Set([
      'kloros_build_info',
      'kloros_tick_interval_seconds',
      'kloros_last_tick_timestamp_seconds',
      'kloros_action_started_timestamp_seconds',
      'kloros_action_deadline_timestamp_seconds',
      'kloros_reflections_total',
      'kloros_promotions_limit',
      'kloros_promotions_oldest_timestamp_seconds',
      'kloros_intents_limit',
      'kloros_watch_deadline_timestamp_seconds',
      'kloros_phase_calibrations_total',
      'kloros_phase_false_positives_total',
    ]);
    const missing = [...exportedNames()].filter(
      (name) => !shown.has(name) && !elsewhere.has(name) && !parts.test(name),
    );
    expect(missing).toEqual([]);
  });

  test('has panels with titles of their own, each with a query', () => {
    const panels = readDashboard().panels.filter((panel) => panel.targets !== undefined);
    expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length);
    for (const { targets = [] } of panels) expect(targets.length).toBeGreaterThan(0);
  });
});

import { Command } from 'commander';
import type { EvaluatorFacts } from '../doctor/check-evaluator.ts';
import type { ExamineOptions } from '../doctor/examine.ts';
import type { Finding } from '../doctor/types.ts';
import { EXIT, type ExitCode } from '../errors.ts';
import { actor, globalsOf, homeOf, outputOf } from './home.ts';
import type { Output } from './output.ts';
import { lengthOf, percent, plural } from './words.ts';

interface DoctorOptions {
  readonly fix?: boolean;
  readonly evaluator?: boolean;
  readonly allowFilesystem?: readonly string[];
  readonly unitDir?: string;
}

interface Report {
  readonly schema: 'kloros.doctor/v1';
  readonly ok: boolean;
  readonly exit: ExitCode;
  readonly checks: number;
  readonly mended: readonly string[];
  readonly findings: readonly Omit<Finding, 'fix'>[];
  readonly evaluators: readonly EvaluatorFacts[];
  readonly nextTick: string | null;
}

/** Damaged data weigh more than a configuration that has to be mended; a warning stops no deploy. */
function exitOf(findings: readonly Finding[]): ExitCode {
  const errors = findings.filter(({ level }) => level === 'error');
  if (errors.some(({ damage }) => damage)) return EXIT.data;
  return errors.length > 0 ? EXIT.config : EXIT.done;
}

function findingWords({ code, level, what, mend }: Report['findings'][number], out: Output): string {
  const mark = level === 'error' ? out.paint('red', 'error  ') : out.paint('yellow', 'warning');
  const [first = '', ...rest] = what.split('\n');
  return [
    `${mark}  ${code}: ${first}`,
    ...rest.map((line) => `         ${line}`),
    `         mend: ${mend}`,
  ].join('\n');
}

function evaluatorWords({ experiment, domain, completed, durationMs, noise }: EvaluatorFacts): string {
  const spread = noise === null ? 'noise unknown' : `noise ${percent(noise)}`;
  return `evaluator of ${experiment} in ${domain}: ${completed} of 3 completed, ${lengthOf(durationMs)} each, ${spread}`;
}

function words(report: Report, out: Output): string {
  const errors = report.findings.filter(({ level }) => level === 'error').length;
  const warnings = report.findings.length - errors;
  const sum =
    report.findings.length === 0
      ? `sound: ${report.checks} checks found nothing`
      : `${plural(errors, 'error')}, ${plural(warnings, 'warning')}`;
  return [
    ...report.findings.map((finding) => findingWords(finding, out)),
    ...report.evaluators.map(evaluatorWords),
    ...(report.mended.length === 0 ? [] : [`mended: ${report.mended.join(', ')}`]),
    ...(report.nextTick === null ? [] : [`next tick: ${report.nextTick}`]),
    sum,
  ].join('\n');
}

async function examineHere(options: DoctorOptions, command: Command): Promise<ExamineOptions> {
  const { unitFolder } = await import('../service/settings.ts');
  const { config } = globalsOf(command);
  const { env } = process;
  const folders =
    options.unitDir === undefined ? [unitFolder('system', env), unitFolder('user', env)] : [options.unitDir];
  return {
    home: homeOf(globalsOf(command)),
    configFile: config,
    env,
    unitFolders: folders,
    allowedFileSystems: options.allowFilesystem ?? [],
    evaluator: options.evaluator ?? false,
  };
}

export function doctorCommand(): Command {
  return new Command('doctor')
    .description(
      'look for what keeps the loop from running well; each finding names the command that mends it',
    )
    .option('--fix', 'mend what is safe to mend: modes, missing folders, leftovers, files owed')
    .option('--evaluator', 'also run each evaluator three times on the baseline, for its time and noise')
    .option('--allow-filesystem <types...>', 'network file systems known to lock well, such as nfs')
    .option('--unit-dir <folder>', 'look for systemd units there')
    .addHelpText(
      'after',
      `\nExits 0 when nothing has to be mended (warnings do not count), 65 when data are damaged, 78 otherwise.

Examples:
  $ kloros doctor && kloros enable
  $ kloros doctor --fix
  $ kloros doctor --evaluator --json | jq .evaluators`,
    )
    .action(async (options: DoctorOptions, command: Command) => {
      const out = outputOf(command);
      const { examine } = await import('../doctor/examine.ts');
      const where = await examineHere(options, command);
      let examination = await examine(where);
      let mended: readonly string[] = [];
      if (options.fix) {
        const { mendFindings } = await import('../doctor/mend.ts');
        mended = await mendFindings(examination.findings, { ...where, actor: actor() });
        if (mended.length > 0) examination = await examine({ ...where, evaluator: false });
      }
      const { findings, evaluators, nextTick, checks } = examination;
      const exit = exitOf(findings);
      const report: Report = {
        schema: 'kloros.doctor/v1',
        ok: exit === EXIT.done,
        exit,
        checks,
        mended,
        findings: findings.map(({ fix: _, ...finding }) => finding),
        evaluators,
        nextTick,
      };
      out.data(report, (r) => words(r, out));
      process.exitCode = exit;
    });
}

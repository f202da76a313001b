import { accessSync, constants } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { editAt, type Finding, type LoopCheck, type Opened, type Patient, word } from './types.ts';

/** kloros.yaml and its folder are nobody's to change but their owner's: what stands there is run. */
export const checkConfigFile: LoopCheck = ({ fs, paths }, { loaded }) => {
  const owner = fs.statSync(paths.root).uid;
  return [loaded.file, dirname(loaded.file)].flatMap((path): Finding[] => {
    const { mode, uid } = fs.statSync(path);
    const findings: Finding[] = [];
    // In a sticky folder nobody can replace what belongs to somebody else.
    const shared = (mode & 0o022) !== 0 && (mode & 0o1000) === 0;
    if (shared)
      findings.push({
        code: 'config.writable',
        level: 'error',
        what: `${path} can be written by others, who so name commands to run`,
        mend: `chmod go-w ${word(path)}`,
      });
    if (uid !== 0 && uid !== owner)
      findings.push({
        code: 'config.owner',
        level: 'error',
        what: `${path} belongs to user ${uid}, neither to root nor to user ${owner} who runs its commands`,
        mend: `chown ${owner} ${word(path)}`,
      });
    return findings;
  });
};

interface Configured {
  /** Dotted path in kloros.yaml. */
  readonly key: string;
  readonly command: readonly string[];
}

/** Every command of the configuration. */
function commands({ ctx }: Opened): Configured[] {
  const { dream, experiments, escrow, phase } = ctx.config;
  const all: { key: string; command: readonly string[] | undefined }[] = [
    { key: 'dream.command', command: dream.command },
    { key: 'phase.command', command: phase.command },
    { key: 'escrow.notify', command: escrow.notify },
    ...Object.entries(experiments).flatMap(([name, e]) => [
      { key: `experiments.${name}.evaluator.command`, command: e.evaluator.command },
      { key: `experiments.${name}.apply.reload`, command: e.apply?.reload },
      { key: `experiments.${name}.apply.health`, command: e.apply?.health },
      { key: `experiments.${name}.watch.health`, command: e.watch.health },
    ]),
  ];
  return all.filter((one): one is Configured => one.command !== undefined);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Where a program is, as it is found when it is started; null when it is not. */
function findProgram(patient: Patient, configDir: string, program: string): string | null {
  const places = program.includes('/')
    ? [resolve(configDir, program)]
    : (patient.env.PATH ?? '/usr/local/bin:/usr/bin:/bin')
        .split(delimiter)
        .map((folder) => join(folder, program));
  return places.find((path) => patient.fs.statSync(path, { throwIfNoEntry: false })?.isFile()) ?? null;
}

/** Programs whose first argument is a file of what they run. */
const INTERPRETERS = /^(node|deno|bun|python3?|bash|sh|perl|ruby|php)$/;

/** Commands can be started: their program is there, and so is the script that an interpreter is given. */
export const checkPrograms: LoopCheck = (patient, opened) => {
  const { configDir } = opened.ctx;
  return commands(opened).flatMap(({ key, command }): Finding[] => {
    const [program = '', first = ''] = command;
    const mend = editAt(opened, key);
    const path = findProgram(patient, configDir, program);
    if (path === null)
      return [
        { code: 'program.missing', level: 'error', what: `${key}: there is no program ${program}`, mend },
      ];
    if (!isExecutable(path))
      return [
        {
          code: 'program.not-executable',
          level: 'error',
          what: `${key}: ${path} may not be executed`,
          mend: `chmod +x ${word(path)}`,
        },
      ];
    const script = resolve(configDir, first);
    if (!INTERPRETERS.test(program) || !/^[^-].*\.\w+$/.test(first) || patient.fs.existsSync(script))
      return [];
    return [{ code: 'program.script-missing', level: 'error', what: `${key}: there is no ${script}`, mend }];
  });
};

/** Evaluator modules are there. */
export const checkModules: LoopCheck = ({ fs }, opened) =>
  Object.entries(opened.ctx.config.experiments).flatMap(([name, { evaluator }]): Finding[] => {
    if (evaluator.module === undefined) return [];
    const path = resolve(opened.ctx.configDir, evaluator.module);
    if (fs.statSync(path, { throwIfNoEntry: false })?.isFile()) return [];
    const key = `experiments.${name}.evaluator.module`;
    return [
      {
        code: 'program.module-missing',
        level: 'error',
        what: `${key}: there is no ${path}`,
        mend: editAt(opened, key),
      },
    ];
  });

function missingFolder(path: string, key: string): Finding {
  return {
    code: 'target.folder-missing',
    level: 'error',
    what: `${key}: the folder ${dirname(path)} does not exist`,
    mend: `mkdir -p ${word(dirname(path))}`,
  };
}

/** The baseline in force can be written into each target's file, and the metrics' file has its folder. */
export const checkTargets: LoopCheck = async ({ fs }, opened) => {
  const { ctx } = opened;
  const { readTarget, readText } = await import('../baseline/target-file.ts');
  const { renderTarget } = await import('../baseline/render.ts');
  const { currentBaseline } = await import('../baseline/current.ts');
  const { params } = await currentBaseline(ctx.db, ctx.config);
  const findings: Finding[] = [];
  for (const [name, experiment] of Object.entries(ctx.config.experiments)) {
    const { apply } = experiment;
    if (!apply) continue;
    const key = `experiments.${name}.apply`;
    const path = resolve(ctx.configDir, apply.file);
    const template = apply.template === undefined ? null : resolve(ctx.configDir, apply.template);
    if (!fs.existsSync(dirname(path))) findings.push(missingFolder(path, key));
    else if (template !== null && !fs.existsSync(template))
      findings.push({
        code: 'target.template-missing',
        level: 'error',
        what: `${key}.template: there is no ${template}`,
        mend: editAt(opened, `${key}.template`),
      });
    else
      try {
        const current = readTarget(fs, ctx.configDir, apply.file).text;
        await renderTarget(
          experiment,
          apply,
          params[name] ?? {},
          current,
          template ? readText(fs, template) : '',
        );
      } catch (error) {
        const what = `${key}: the baseline cannot be written into ${path}: ${error instanceof Error ? error.message : error}`;
        findings.push({ code: 'target.unusable', level: 'error', what, mend: `"$EDITOR" ${word(path)}` });
      }
  }
  const { textfile } = ctx.config.metrics;
  const file = textfile === undefined ? null : resolve(ctx.configDir, textfile);
  if (file !== null && !fs.existsSync(dirname(file))) findings.push(missingFolder(file, 'metrics.textfile'));
  return findings;
};

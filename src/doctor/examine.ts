import { resolve } from 'node:path';
import { loadConfig } from '../config/load.ts';
import type { Context } from '../context.ts';
import { KlorosError } from '../errors.ts';
import { type FileSystem, nodeFileSystem } from '../files/filesystem.ts';
import { configFileOf, findConfigFile } from '../home/config-file.ts';
import { homePaths } from '../home/paths.ts';
import type { Database } from '../store/database.ts';
import { openSqlite } from '../store/sqlite.ts';
import { type Clock, systemClock } from '../time/clock.ts';
import { checkConfigFile, checkModules, checkPrograms, checkTargets } from './check-config.ts';
import { type EvaluatorFacts, tryEvaluators } from './check-evaluator.ts';
import { checkEntries, checkLeftovers, checkSwitches } from './check-home.ts';
import { checkBacklog, checkBreakers, checkScratch, checkTicks } from './check-loop.ts';
import {
  checkClock,
  checkFileSystem,
  checkLockSemantics,
  checkLocks,
  checkSpace,
  checkWindow,
} from './check-machine.ts';
import {
  checkBaseline,
  checkChain,
  checkDatabase,
  checkEpochs,
  checkLedger,
  checkOwed,
} from './check-records.ts';
import { checkPort, checkUnits, nextTick } from './check-service.ts';
import {
  type Finding,
  type HomeCheck,
  kloros,
  type LoopCheck,
  type Opened,
  type Patient,
  word,
} from './types.ts';

const HOME_CHECKS: readonly HomeCheck[] = [
  checkEntries,
  checkLeftovers,
  checkSwitches,
  checkFileSystem,
  checkLockSemantics,
  checkLocks,
];

const LOOP_CHECKS: readonly LoopCheck[] = [
  checkConfigFile,
  checkPrograms,
  checkModules,
  checkTargets,
  checkSpace,
  checkClock,
  checkWindow,
  checkDatabase,
  checkLedger,
  checkChain,
  checkBaseline,
  checkOwed,
  checkEpochs,
  checkTicks,
  checkBreakers,
  checkScratch,
  checkBacklog,
  checkUnits,
  checkPort,
];

export interface ExamineOptions {
  readonly home: string;
  readonly configFile?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly unitFolders: readonly string[];
  readonly allowedFileSystems?: readonly string[];
  /** Also run each evaluator. */
  readonly evaluator?: boolean;
  /** For tests. */
  readonly fs?: FileSystem;
  readonly clock?: Clock;
}

export interface Examination {
  readonly findings: readonly Finding[];
  readonly evaluators: readonly EvaluatorFacts[];
  /** When the timer elapses next, in systemd's words; null when none is installed. */
  readonly nextTick: string | null;
  /** How many checks were made. */
  readonly checks: number;
}

/** A check that breaks down is a finding too: whatever it looked at is not sound. */
async function attempt(patient: Patient, check: () => Finding[] | Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await check();
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    return [{ code: 'doctor.stopped', level: 'error', what, mend: kloros(patient, 'status') }];
  }
}

const OPENING: Readonly<Record<string, Pick<Finding, 'code' | 'damage'>>> = {
  KLR_E_HOME_DAMAGED: { code: 'database.damaged', damage: true },
  KLR_E_HOME_NEWER: { code: 'database.newer' },
  KLR_E_HOME_READ_ONLY: { code: 'database.older' },
  KLR_E_CONFIG_MISSING: { code: 'config.missing' },
  KLR_E_CONFIG_SYNTAX: { code: 'config.syntax' },
  KLR_E_CONFIG_INVALID: { code: 'config.invalid' },
};

/** Why the database or the configuration cannot be opened, as a finding. */
function cannotOpen(patient: Patient, error: unknown, mends: Readonly<Record<string, string>>): Finding {
  const code = error instanceof KlorosError ? error.code : '';
  const finding = OPENING[code] ?? { code: 'doctor.stopped' };
  const what = error instanceof Error ? error.message : String(error);
  return { ...finding, level: 'error', what, mend: mends[code] ?? kloros(patient, 'status') };
}

async function openDatabase(patient: Patient): Promise<Database | Finding> {
  const { paths } = patient;
  try {
    return await openSqlite(paths.database, { readOnly: true });
  } catch (error) {
    return cannotOpen(patient, error, {
      KLR_E_HOME_DAMAGED: kloros(patient, 'restore --force BACKUP'),
      KLR_E_HOME_NEWER: 'npm install --global kloros@latest',
      KLR_E_HOME_READ_ONLY: kloros(patient, 'tick'),
    });
  }
}

async function loadFor(patient: Patient, file: string): Promise<Opened['loaded'] | Finding> {
  try {
    return await loadConfig(file, { home: patient.paths.root, fs: patient.fs });
  } catch (error) {
    const check = `kloros config check ${word(file)}`;
    return cannotOpen(patient, error, {
      KLR_E_CONFIG_MISSING: kloros(patient, `init ${word(file)}`),
      KLR_E_CONFIG_SYNTAX: check,
      KLR_E_CONFIG_INVALID: check,
    });
  }
}

const isFinding = (value: object): value is Finding => 'mend' in value;

/** What the loop's checks found, with the database open. */
async function examineLoop(patient: Patient, db: Database, options: ExamineOptions): Promise<Examination> {
  const loaded = await loadFor(patient, await configFileOf(patient.paths, db, options));
  const checks = HOME_CHECKS.length + LOOP_CHECKS.length;
  if (isFinding(loaded)) return { findings: [loaded], evaluators: [], nextTick: null, checks };
  const { paths, fs, clock, env } = patient;
  const { config, hash: configHash, dir: configDir } = loaded;
  const log = { event: () => {} };
  const ctx: Context = { paths, fs, clock, env, db, config, configHash, configDir, log, random: () => 0 };
  const opened = { ctx, loaded };
  const findings: Finding[] = [];
  for (const check of LOOP_CHECKS) findings.push(...(await attempt(patient, () => check(patient, opened))));
  const tried = options.evaluator ? await tryEvaluators(opened) : { facts: [], findings: [] };
  findings.push(...tried.findings);
  return { findings, evaluators: tried.facts, nextTick: await nextTick(patient), checks };
}

/** A home that is not there, or a history without its database. */
async function withoutDatabase(patient: Patient, options: ExamineOptions): Promise<Finding[]> {
  const { fs, paths } = patient;
  const versions = fs.existsSync(paths.baselineVersions) ? fs.readdirSync(paths.baselineVersions).length : 0;
  if (versions > 0) {
    const what = `${paths.root} holds baselines, but no kloros.db`;
    return [
      {
        code: 'database.missing',
        level: 'error',
        damage: true,
        what,
        mend: kloros(patient, 'restore --force BACKUP'),
      },
    ];
  }
  const file = await findConfigFile(paths.root, options, fs);
  const mend = kloros(patient, `init ${word(file)}`);
  const loaded = fs.existsSync(file) ? await loadFor(patient, file) : null;
  return [
    { code: 'home.missing', level: 'error', what: `there is no home of KLoROS in ${paths.root}`, mend },
    ...(loaded && isFinding(loaded) ? [loaded] : []),
  ];
}

function patientOf(options: ExamineOptions): Patient {
  const fs = options.fs ?? nodeFileSystem;
  const root = resolve(options.home);
  return {
    paths: homePaths(fs.existsSync(root) ? fs.realpathSync(root) : root),
    fs,
    clock: options.clock ?? systemClock,
    env: options.env,
    allowedFileSystems: options.allowedFileSystems ?? [],
    unitFolders: options.unitFolders,
  };
}

/**
 * Looks for everything that keeps the loop from running well, and changes nothing. Bounded: it verifies the newest part
 * of a long ledger, and runs evaluators only when asked.
 */
export async function examine(options: ExamineOptions): Promise<Examination> {
  const patient = patientOf(options);
  const checks = HOME_CHECKS.length + LOOP_CHECKS.length;
  const nothing = { evaluators: [], nextTick: null, checks };
  if (!patient.fs.statSync(patient.paths.root, { throwIfNoEntry: false })?.isDirectory())
    return { ...nothing, findings: await withoutDatabase(patient, options) };
  const findings: Finding[] = [];
  for (const check of HOME_CHECKS) findings.push(...(await attempt(patient, () => check(patient))));
  if (!patient.fs.existsSync(patient.paths.database))
    return { ...nothing, findings: [...findings, ...(await withoutDatabase(patient, options))] };
  const db = await openDatabase(patient);
  if (isFinding(db)) return { ...nothing, findings: [...findings, db] };
  try {
    const loop = await examineLoop(patient, db, options);
    return { ...loop, findings: [...findings, ...loop.findings] };
  } finally {
    await db.close();
  }
}

import { editAt, type Finding, kloros, type LoopCheck, type Patient, word } from './types.ts';

/** So many events are verified: `kloros ledger verify` recomputes all, however long that takes. */
const NEWEST_EVENTS = 20_000;
/** A larger database is not read through here, bytes. */
const LARGEST_CHECKED = 64 * 2 ** 20;

const restore = (patient: Patient) =>
  `${kloros(patient, 'kill "damaged records"')} && ${kloros(patient, 'restore --force BACKUP')}`;

/** The database is whole, as far as there is time to look. */
export const checkDatabase: LoopCheck = async (patient, { ctx }) => {
  const { size } = patient.fs.statSync(patient.paths.database);
  if (size > LARGEST_CHECKED) return [];
  const [row] = await ctx.db.all<{ quick_check: string }>('PRAGMA quick_check(1)');
  if (row?.quick_check === 'ok') return [];
  const what = `${patient.paths.database}: ${row?.quick_check}`;
  return [{ code: 'database.damaged', level: 'error', damage: true, what, mend: restore(patient) }];
};

/** The newest part of the ledger is linked as it was written. */
export const checkLedger: LoopCheck = async (patient, { ctx }) => {
  const { verifyLedger } = await import('../store/ledger.ts');
  const result = await verifyLedger(ctx.db, NEWEST_EVENTS);
  if (result.ok) return [];
  const what = `the ledger is broken at event ${result.seq}: ${result.reason}`;
  return [{ code: 'ledger.broken', level: 'error', damage: true, what, mend: restore(patient) }];
};

/** The chain of baselines verifies, in the database and on disk. */
export const checkChain: LoopCheck = async (patient, { ctx }) => {
  const { repairFiles, verifyChain } = await import('../baseline/chain.ts');
  const result = await verifyChain(ctx);
  if (result.ok) return [];
  const inDatabase = result.problems.some(({ file }) => file === null);
  return result.problems.map(({ version, file, reason }): Finding => {
    const what = `baseline v${version}${file === null ? '' : `, ${file}`}: ${reason}`;
    if (inDatabase)
      return { code: 'baseline.chain', level: 'error', damage: true, what, mend: restore(patient) };
    const fix: Finding['fix'] = async (open) => {
      const { deliverOutbox } = await import('../store/outbox.ts');
      if (open && (await repairFiles(open)).length > 0) await deliverOutbox(open);
    };
    return {
      code: 'baseline.files',
      level: 'error',
      damage: true,
      what,
      mend: kloros(patient, 'doctor --fix'),
      fix,
    };
  });
};

/** The baseline in force is one that the configuration of today allows, and the target carries it. */
export const checkBaseline: LoopCheck = async (patient, opened) => {
  const { ctx } = opened;
  const { currentBaseline } = await import('../baseline/current.ts');
  const { checkParams } = await import('../config/parameters.ts');
  const baseline = await currentBaseline(ctx.db, ctx.config);
  const findings: Finding[] = [];
  for (const [name, experiment] of Object.entries(ctx.config.experiments))
    for (const { message } of checkParams(experiment, baseline.params[name] ?? {}))
      findings.push({
        code: 'baseline.out-of-bounds',
        level: 'error',
        what: `baseline v${baseline.version}, ${name}: ${message}`,
        mend: editAt(opened, `experiments.${name}.parameters`),
      });
  if (baseline.applyState === 'failed')
    findings.push({
      code: 'baseline.not-applied',
      level: 'error',
      what: `baseline v${baseline.version} could not be applied: the target does not carry it`,
      mend: kloros(patient, 'baseline rollback'),
    });
  return findings;
};

/** No file that a decision owes waits for longer than a tick takes. */
export const checkOwed: LoopCheck = async (patient, { ctx }) => {
  const row = await ctx.db.get<{ n: number; oldest: number | null }>(
    'SELECT COUNT(*) AS n, MIN(created_at) AS oldest FROM outbox',
  );
  const age = ctx.clock.now() - (row?.oldest ?? ctx.clock.now());
  if (age < 2 * ctx.config.tick.interval) return [];
  const fix: Finding['fix'] = async (open) => {
    const { deliverOutbox } = await import('../store/outbox.ts');
    if (open) await deliverOutbox(open);
  };
  const what = `${row?.n} files are owed since ${new Date(row?.oldest ?? 0).toISOString()}`;
  return [{ code: 'records.owed', level: 'warning', what, mend: kloros(patient, 'doctor --fix'), fix }];
};

/** Every line of epochs.jsonl can be read: one that cannot be might hold a date that was used. */
export const checkEpochs: LoopCheck = ({ fs, paths }) => {
  if (!fs.existsSync(paths.epochsLedger)) return [];
  const lines = fs.readFileSync(paths.epochsLedger, 'utf8').split('\n');
  return lines.flatMap((line, index): Finding[] => {
    if (line.trim() === '' || isJson(line)) return [];
    const what = `${paths.epochsLedger}: line ${index + 1} is no JSON and is not counted`;
    return [
      {
        code: 'records.epochs',
        level: 'warning',
        what,
        mend: `"$EDITOR" +${index + 1} ${word(paths.epochsLedger)}`,
      },
    ];
  });
};

function isJson(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}

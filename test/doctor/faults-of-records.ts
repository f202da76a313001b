import { appendFileSync, mkdirSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { daemon, settings } from '../service/settings.ts';
import { configure, type Fault, HOUR, inHome, sql, taken, unit } from './planting.ts';

/** Faults of the records. */
export const RECORDS_FAULTS: readonly Fault[] = [
  {
    code: 'database.missing',
    what: 'baselines without a database',
    mend: / restore /,
    plant: (at) => {
      rmSync(inHome(at, 'kloros.db'));
      writeFileSync(inHome(at, 'baseline', 'versions', 'baseline_v0001.yaml'), '');
      return undefined;
    },
  },
  {
    code: 'database.damaged',
    what: 'a database of noise',
    mend: / restore /,
    plant: (at) => {
      for (const name of readdirSync(at.home.home)) if (/-(wal|shm)$/.test(name)) rmSync(inHome(at, name));
      truncateSync(inHome(at, 'kloros.db'), 0);
      writeFileSync(inHome(at, 'kloros.db'), 'noise'.repeat(999));
      return undefined;
    },
  },
  {
    code: 'database.newer',
    what: 'a database of the future',
    mend: /^npm install/,
    plant: (at) => sql(at, 'PRAGMA user_version = 999'),
  },
  {
    code: 'ledger.broken',
    what: 'an event that was rewritten',
    mend: / restore /,
    plant: (at) => sql(at, "UPDATE events SET data = '{}' WHERE seq = 2"),
  },
  {
    code: 'ledger.broken',
    what: 'an event that is gone',
    mend: / restore /,
    plant: (at) => sql(at, 'DELETE FROM events WHERE seq = 1'),
  },
  {
    code: 'baseline.files',
    what: 'a version that was edited on disk',
    mend: /doctor --fix/,
    fixable: true,
    plant: (at) => void appendFileSync(inHome(at, 'baseline', 'versions', 'baseline_v0001.yaml'), '# x\n'),
  },
  {
    code: 'baseline.files',
    what: 'a baseline.yaml that is gone',
    mend: /doctor --fix/,
    fixable: true,
    plant: (at) => void rmSync(inHome(at, 'baseline', 'baseline.yaml')),
  },
  {
    code: 'baseline.chain',
    what: 'a version that was edited in the database',
    mend: / restore /,
    plant: (at) => sql(at, "UPDATE baselines SET content = content || '# x' WHERE version = 1"),
  },
  {
    code: 'baseline.out-of-bounds',
    what: 'bounds that the baseline is not in',
    mend: /^"\$EDITOR" /,
    plant: (at) => configure(at, 'high: 1024', 'high: 64'),
  },
  {
    code: 'baseline.not-applied',
    what: 'an apply that failed',
    mend: / baseline rollback$/,
    plant: (at) => sql(at, "UPDATE baselines SET apply_state = 'failed'"),
  },
  {
    code: 'records.owed',
    what: 'a file owed for an hour',
    mend: /doctor --fix/,
    fixable: true,
    plant: (at) => sql(at, `INSERT INTO outbox VALUES ('signals/x', 1, '', ${Date.now() - HOUR})`),
  },
  {
    code: 'records.epochs',
    what: 'a torn line in epochs.jsonl',
    mend: /^"\$EDITOR" \+1 /,
    plant: (at) =>
      void writeFileSync(inHome(at, 'processed', 'epochs.jsonl'), '{"epoch_id": "e1", "da\n', {
        mode: 0o600,
      }),
  },
  {
    code: 'loop.silent',
    what: 'no tick for hours',
    mend: / service install/,
    plant: (at) =>
      sql(
        at,
        `INSERT INTO meta VALUES ('last_tick', '{"ts": ${Date.now() - 5 * HOUR}}') ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
      ),
  },
  {
    code: 'loop.unfinished',
    what: 'an action of a dead process',
    mend: / tick$/,
    plant: (at) => sql(at, "INSERT INTO actions VALUES ('a', 'dream', 'running', 1, 1, NULL, '{}')"),
  },
  {
    code: 'trial.leftover',
    what: 'the scratch of a dead trial',
    mend: /doctor --fix/,
    fixable: true,
    plant: (at) => void mkdirSync(inHome(at, 'scratch', 't-1', 'work'), { recursive: true, mode: 0o700 }),
  },
  {
    code: 'promotions.backlog',
    what: 'more promotions than may wait',
    mend: / promotions list/,
    plant: (at) => {
      configure(at, 'version: 1', 'version: 1\npromotions: { max_waiting: 1 }');
      return sql(
        at,
        "INSERT INTO promotions (id, file, sha256, schema, source, state, changes, document, detail, received_at, updated_at) VALUES ('p', 'p.json', '', 'v1', 'external', 'received', '{}', '{}', '{}', 1, 1)",
      );
    },
  },
  {
    code: 'service.edited',
    what: 'a unit edited by hand',
    mend: / service install --force$/,
    plant: (at) => unit(at, {}, settings, (text) => `${text}# mine\n`),
  },
  {
    code: 'service.limit',
    what: 'a unit that ends epochs early',
    mend: / service install$/,
    plant: (at) => unit(at, { longestTickMs: 120_000 }),
  },
  {
    code: 'service.program',
    what: 'a unit whose program is gone',
    mend: / service install$/,
    plant: (at) => unit(at, { program: ['/nowhere/node', 'x'], longestTickMs: 9e9, stopMs: 9e9 }),
  },
  {
    code: 'service.notify',
    what: 'a daemon that cannot say that it is ready',
    mend: /--mode timer$/,
    plant: (at) => {
      unit(at, { longestTickMs: 9e9, stopMs: 9e9 }, daemon);
      return { env: { PATH: at.home.root } };
    },
  },
  {
    code: 'service.port',
    what: 'a port that somebody else has',
    mend: /^ss /,
    plant: async (at) => {
      const listen = `127.0.0.1:${await taken()}`;
      return unit(at, { chosen: { mode: 'daemon', writable: [], listen }, stopMs: 9e9 }, daemon);
    },
  },
];

import { chmodSync, mkdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { configure, type Fault, HOUR, inHome, sql, withStatfs } from './planting.ts';

/** Faults of the machine. */
export const MACHINE_FAULTS: readonly Fault[] = [
  {
    code: 'home.missing',
    what: 'no home',
    mend: / init /,
    plant: (at) => void rmSync(at.home.home, { recursive: true }),
  },
  {
    code: 'home.mode',
    what: 'a folder for all',
    mend: /^chmod 700 /,
    fixable: true,
    plant: (at) => void chmodSync(inHome(at, 'locks'), 0o755),
  },
  {
    code: 'home.mode',
    what: 'a database for all',
    mend: /^chmod 600 /,
    fixable: true,
    plant: (at) => void chmodSync(inHome(at, 'kloros.db'), 0o644),
  },
  {
    code: 'home.folder-missing',
    what: 'no signals/',
    mend: /doctor --fix/,
    fixable: true,
    plant: (at) => void rmSync(inHome(at, 'signals'), { recursive: true }),
  },
  {
    code: 'home.not-plain',
    what: 'a link in place of a folder',
    mend: /^mv /,
    plant: (at) => {
      rmSync(inHome(at, 'promotions'), { recursive: true });
      symlinkSync('/tmp', inHome(at, 'promotions'));
      return undefined;
    },
  },
  {
    code: 'home.leftover',
    what: 'a temporary file of yesterday',
    mend: /^rm /,
    fixable: true,
    plant: (at) => {
      const path = inHome(at, 'baseline', '.kloros-tmp-1-abc');
      writeFileSync(path, '');
      utimesSync(path, new Date(Date.now() - 24 * HOUR), new Date(Date.now() - 24 * HOUR));
      return undefined;
    },
  },
  {
    code: 'mode.unknown',
    what: 'a mode that is none',
    mend: / enable$/,
    plant: (at) => void writeFileSync(inHome(at, 'mode'), 'enabeld\n'),
  },
  {
    code: 'mode.unknown',
    what: 'a mode in the environment that is none',
    mend: /^unset KLR_/,
    plant: () => ({ env: { ...process.env, KLR_ORCHESTRATION_MODE: 'on' } }),
  },
  {
    code: 'mode.overridden',
    what: 'a mode in the environment',
    mend: /^unset KLR_/,
    plant: () => ({ env: { ...process.env, KLR_ORCHESTRATION_MODE: 'observe' } }),
  },
  {
    code: 'kill.set',
    what: 'a kill switch nobody cleared',
    mend: / revive$/,
    plant: (at) => void writeFileSync(inHome(at, 'killswitch'), 'last week\n'),
  },
  {
    code: 'kill.unreadable',
    what: 'a folder in place of the kill switch',
    mend: /^mv /,
    plant: (at) => void mkdirSync(inHome(at, 'killswitch')),
  },
  {
    code: 'disk.network',
    what: 'a home on NFS',
    mend: /--allow-filesystem nfs/,
    plant: () => withStatfs({ type: 0x6969 }),
  },
  {
    code: 'disk.volatile',
    what: 'a home in memory',
    mend: /^mv /,
    plant: () => withStatfs({ type: 0x1021994 }),
  },
  {
    code: 'disk.inodes',
    what: 'no inodes',
    mend: /^du --inodes/,
    plant: () => withStatfs({ type: 0xef53, files: 1000, ffree: 3 }),
  },
  {
    code: 'disk.space',
    what: 'less space than trials need',
    mend: /^du -x/,
    plant: (at) => configure(at, 'version: 1', 'version: 1\ngovernor: { min_free_disk: 900000GiB }'),
  },
  {
    code: 'lock.file',
    what: 'a folder in place of a lock',
    mend: /^mv /,
    plant: (at) => void mkdirSync(inHome(at, 'locks', 'orchestrator.lock')),
  },
  {
    code: 'clock.behind',
    what: 'events of tomorrow',
    mend: /^timedatectl/,
    plant: (at) =>
      sql(at, `UPDATE events SET ts = ${Date.now() + 24 * HOUR} WHERE seq = (SELECT MAX(seq) FROM events)`),
  },
  {
    code: 'clock.wrong',
    what: 'a clock of 1970',
    mend: /^timedatectl/,
    plant: () => ({ clock: { now: () => 1000, monotonic: () => 0, sleep: async () => {} } }),
  },
  {
    code: 'zone.environment',
    what: 'a TZ that is no zone',
    mend: /^unset TZ/,
    plant: () => ({ env: { ...process.env, TZ: 'Nowhere/Land' } }),
  },
];

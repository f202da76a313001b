import { join } from 'node:path';
import { editAt, type Finding, type HomeCheck, kloros, type LoopCheck, type Patient, word } from './types.ts';

/** File systems by the number that statfs(2) gives them. */
const NETWORK: Readonly<Record<number, string>> = {
  26985: 'nfs',
  20859: 'smb',
  4266872130: 'smb2',
  4283649346: 'cifs',
  1702057286: 'fuse',
  16914839: '9p',
  12805120: 'ceph',
  1397113167: 'afs',
  18225520: 'gfs2',
  1952539503: 'ocfs2',
};
const TMPFS = 0x1021994;
/** Less than this share of the inodes is too few. */
const LEAST_INODES = 0.02;
/** No clock is right that shows a time before this program was written, ms. */
const EARLIEST = Date.UTC(2026, 0, 1);
/** A zone database of fewer zones is cut down. */
const LEAST_ZONES = 300;

/** The file system of the home keeps locks and lasts. */
export const checkFileSystem: HomeCheck = ({ paths, fs, allowedFileSystems }) => {
  const { type, files, ffree } = fs.statfsSync(paths.root);
  const findings: Finding[] = [];
  const network = NETWORK[type >>> 0];
  if (network !== undefined && !allowedFileSystems.includes(network))
    findings.push({
      code: 'disk.network',
      level: 'error',
      what: `${paths.root} is on ${network}, where a lock may be held twice and a rename may be seen half`,
      mend: `mv ${word(paths.root)} /var/lib/kloros   # or, when you know better: kloros doctor --allow-filesystem ${network}`,
    });
  if (type === TMPFS)
    findings.push({
      code: 'disk.volatile',
      level: 'warning',
      what: `${paths.root} is in memory: a reboot loses the baseline`,
      mend: `mv ${word(paths.root)} /var/lib/kloros`,
    });
  if (files > 0 && ffree / files < LEAST_INODES)
    findings.push({
      code: 'disk.inodes',
      level: 'error',
      what: `${ffree} of ${files} inodes are free where ${paths.root} is`,
      mend: `du --inodes -x --max-depth=3 ${word(paths.root)} | sort -n | tail`,
    });
  return findings;
};

/** As much space as trials need to be allowed. */
export const checkSpace: LoopCheck = ({ paths, fs }, { ctx }) => {
  const { bavail, bsize } = fs.statfsSync(paths.root);
  const least = ctx.config.governor.min_free_disk;
  const mib = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`;
  if (bavail * bsize >= least) return [];
  const what = `${mib(bavail * bsize)} are free where ${paths.root} is, governor.min_free_disk is ${mib(least)}: no trial may start`;
  return [
    {
      code: 'disk.space',
      level: 'error',
      what,
      mend: `du -x --max-depth=3 ${word(paths.root)} | sort -n | tail`,
    },
  ];
};

/** The clock against the newest event, and the zones that windows are computed in. */
export const checkClock: LoopCheck = async ({ clock, env }, { ctx }) => {
  const now = clock.now();
  const findings: Finding[] = [];
  const synchronise = 'timedatectl set-ntp true';
  const last = await ctx.db.get<{ ts: number }>('SELECT ts FROM events ORDER BY seq DESC LIMIT 1');
  if (now < EARLIEST)
    findings.push({
      code: 'clock.wrong',
      level: 'error',
      what: `the clock says ${new Date(now).toISOString()}`,
      mend: synchronise,
    });
  else if (last && last.ts - now > 5 * 60_000)
    findings.push({
      code: 'clock.behind',
      level: 'error',
      what: `the clock is ${Math.round((last.ts - now) / 60_000)} minutes behind the newest event of the ledger`,
      mend: synchronise,
    });
  if (Intl.supportedValuesOf('timeZone').length < LEAST_ZONES)
    findings.push({
      code: 'zone.data',
      level: 'error',
      what: 'this Node.js has no complete time zone data',
      mend: 'npm install --global node@26',
    });
  if (env.TZ && !isZone(env.TZ))
    findings.push({
      code: 'zone.environment',
      level: 'warning',
      what: `TZ=${env.TZ} is no time zone: times are shown in UTC; windows use phase.window.zone`,
      mend: 'unset TZ',
    });
  return findings;
};

function isZone(name: string): boolean {
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(name);
    return true;
  } catch {
    return false;
  }
}

function contentionTry(patient: Patient, tryLock: (fd: number) => boolean): string | null {
  const { fs, paths } = patient;
  const path = join(paths.locks, `.kloros-tmp-doctor-${process.pid}`);
  const descriptors: number[] = [];
  try {
    for (let n = 0; n < 2; n++) descriptors.push(fs.openSync(path, 'a+', 0o600));
    const [first = -1, second = -1] = descriptors;
    if (!tryLock(first)) return 'a lock on a new file was refused';
    return tryLock(second) ? 'the same lock was given twice' : null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    for (const fd of descriptors) fs.closeSync(fd);
    if (descriptors.length > 0) fs.unlinkSync(path);
  }
}

/** Two descriptors ask for one lock, as two processes would: only one may get it. */
export const checkLockSemantics: HomeCheck = async (patient) => {
  const { fs, paths } = patient;
  if (!fs.statSync(paths.locks, { throwIfNoEntry: false })?.isDirectory()) return [];
  const { tryLock } = await import('fs-native-extensions');
  const why = contentionTry(patient, tryLock);
  if (why === null) return [];
  const mend = `mv ${word(paths.root)} /var/lib/kloros`;
  return [
    { code: 'lock.semantics', level: 'error', what: `locks in ${paths.locks} do not exclude: ${why}`, mend },
  ];
};

/** What stands in the place of lock files, and who holds a lock for too long. */
export const checkLocks: HomeCheck = async (patient) => {
  const { fs, paths, clock } = patient;
  const { LOCK_NAMES, lockPath } = await import('../lock/lock-file.ts');
  const { isOverdue } = await import('../lock/liveness.ts');
  const { lockIsHeld, readHolder } = await import('../lock/acquire.ts');
  return LOCK_NAMES.flatMap((name): Finding[] => {
    const path = lockPath(paths, name);
    const stat = fs.lstatSync(path, { throwIfNoEntry: false });
    if (!stat) return [];
    if (!stat.isFile() || stat.nlink !== 1) {
      const what = `${path} is no plain file with one name: the lock cannot be taken`;
      return [{ code: 'lock.file', level: 'error', what, mend: `mv ${word(path)} ${word(`${path}.aside`)}` }];
    }
    const holder = lockIsHeld(paths, name, fs) ? readHolder(paths, name, fs) : null;
    if (!holder || !isOverdue(holder, clock.now())) return [];
    const what = `the ${name} lock is held by pid ${holder.pid} (${holder.purpose}) for longer than it should`;
    return [
      {
        code: 'lock.overdue',
        level: 'warning',
        what,
        mend: `kill ${holder.pid}   # or: ${kloros(patient, 'kill')}`,
      },
    ];
  });
};

/** The window holds the smallest validation, by what trials took lately. */
export const checkWindow: LoopCheck = async (_patient, opened) => {
  const { ctx } = opened;
  const { viewWindow } = await import('../phase/upcoming.ts');
  const { localDate } = await import('../phase/window.ts');
  const { smallestMs } = await import('../phase/plan.ts');
  const { phase, experiments } = ctx.config;
  const view = viewWindow(phase.window, localDate(phase.window, ctx.clock.now()));
  const available = Math.min(view?.lengthMs ?? Infinity, phase.max_duration);
  const rows = await ctx.db.all<{ experiment: string; ms: number }>(
    `SELECT experiment, AVG(duration_ms) AS ms FROM
       (SELECT experiment, duration_ms FROM trials WHERE state = 'completed' ORDER BY started_at DESC LIMIT 1000) AS recent
     GROUP BY experiment`,
  );
  const typical = new Map(rows.map(({ experiment, ms }) => [experiment, ms]));
  const settings = { ...phase, seed: 0 };
  return Object.entries(experiments).flatMap(([experiment, { domains }]): Finding[] => {
    const entrants = [{ experiment, domains: Object.keys(domains), candidates: ['one'] }];
    const needed = smallestMs(settings, entrants, (name) => typical.get(name) ?? null);
    if (needed <= available) return [];
    const minutes = (ms: number) => `${Math.ceil(ms / 60_000)} min`;
    const what = `validating one change of ${experiment} takes ${minutes(needed)}, the window has ${minutes(available)}`;
    return [{ code: 'phase.too-short', level: 'error', what, mend: editAt(opened, 'phase.window') }];
  });
};

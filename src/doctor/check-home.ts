import type { Stats } from 'node:fs';
import { join } from 'node:path';
import { ownUid } from '../files/read-safe.ts';
import { isTemporary } from '../files/write-atomic.ts';
import { checkHome, homeFiles, homeFolders } from '../home/check.ts';
import { readKill } from '../home/killswitch.ts';
import { MODE_VARIABLE, modeState } from '../home/mode.ts';
import { type Finding, type HomeCheck, kloros, type Patient, word } from './types.ts';

/** A temporary file of a write that is under way is younger, ms. */
const LEFT_MS = 60 * 60_000;

const fixIt = (patient: Patient) => kloros(patient, 'doctor --fix');

function looseMode(patient: Patient, path: string, stat: Stats, wanted: number): Finding[] {
  const mode = stat.mode & 0o7777;
  if ((mode & ~wanted) === 0) return [];
  return [
    {
      code: 'home.mode',
      level: 'error',
      what: `${path} has mode ${mode.toString(8)}, others get at it`,
      mend: `chmod ${wanted.toString(8)} ${word(path)}`,
      fix: () => patient.fs.chmodSync(path, wanted),
    },
  ];
}

function entry(patient: Patient, path: string, kind: 'folder' | 'file', owner: number): Finding[] {
  const stat = patient.fs.lstatSync(path, { throwIfNoEntry: false });
  if (!stat) {
    if (kind === 'file') return [];
    const fix = () => void checkHome(patient.paths, patient.fs);
    return [
      {
        code: 'home.folder-missing',
        level: 'warning',
        what: `${path} is missing`,
        mend: fixIt(patient),
        fix,
      },
    ];
  }
  if (kind === 'folder' ? !stat.isDirectory() : !stat.isFile()) {
    const mend = `mv ${word(path)} ${word(`${path}.aside`)} && ${fixIt(patient)}`;
    return [{ code: 'home.not-plain', level: 'error', what: `${path} is no plain ${kind}`, mend }];
  }
  if (stat.uid !== owner) {
    const what = `${path} belongs to user ${stat.uid}, the home to user ${owner}`;
    return [{ code: 'home.owner', level: 'error', what, mend: `chown ${owner} ${word(path)}` }];
  }
  return looseMode(patient, path, stat, kind === 'folder' ? 0o700 : 0o600);
}

/** Folders and files of the home: there, plain, of one owner, closed to others. */
export const checkEntries: HomeCheck = (patient) => {
  const { paths, fs } = patient;
  const owner = fs.lstatSync(paths.root).uid;
  const mine: Finding[] =
    ownUid <= 0 || owner === ownUid
      ? []
      : [
          {
            code: 'home.foreign',
            level: 'error',
            what: `${paths.root} belongs to user ${owner}, this process is user ${ownUid}`,
            mend: `sudo -u '#${owner}' ${kloros(patient, 'doctor')}`,
          },
        ];
  const folders = homeFolders(paths).flatMap((path) => entry(patient, path, 'folder', owner));
  const files = homeFiles(paths).flatMap((path) => entry(patient, path, 'file', owner));
  return [...mine, ...folders, ...files];
};

/** What a crash left beside the files it was writing. */
export const checkLeftovers: HomeCheck = ({ paths, fs, clock }) => {
  const left = homeFolders(paths)
    .filter(
      (folder) => folder !== paths.scratch && fs.statSync(folder, { throwIfNoEntry: false })?.isDirectory(),
    )
    .flatMap((folder) =>
      fs
        .readdirSync(folder)
        .filter(isTemporary)
        .map((name) => join(folder, name)),
    )
    .filter(
      (path) => clock.now() - (fs.lstatSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Infinity) > LEFT_MS,
    );
  return left.map((path) => ({
    code: 'home.leftover',
    level: 'warning',
    what: `${path} is what a crash left of a write`,
    mend: `rm ${word(path)}`,
    fix: () => fs.unlinkSync(path),
  }));
};

/** The mode and the kill switch: clearly readable, and not set to something nobody remembers. */
export const checkSwitches: HomeCheck = (patient) => {
  const { paths, fs, env } = patient;
  const findings: Finding[] = [];
  const { origin, problem } = modeState({ paths, fs, env });
  if (problem !== null)
    findings.push({
      code: 'mode.unknown',
      level: 'error',
      what: `${problem}, so nothing is done`,
      mend: origin === 'environment' ? `unset ${MODE_VARIABLE}` : kloros(patient, 'enable'),
    });
  else if (origin === 'environment')
    findings.push({
      code: 'mode.overridden',
      level: 'warning',
      what: `${MODE_VARIABLE} overrides the stored mode`,
      mend: `unset ${MODE_VARIABLE}`,
    });
  const stat = fs.lstatSync(paths.killswitch, { throwIfNoEntry: false });
  const { set, reason } = readKill(paths, fs);
  if (set && stat && !stat.isFile())
    findings.push({
      code: 'kill.unreadable',
      level: 'error',
      what: reason,
      mend: `mv ${word(paths.killswitch)} ${word(`${paths.killswitch}.aside`)}`,
    });
  else if (set)
    findings.push({
      code: 'kill.set',
      level: 'warning',
      what: `the kill switch is set: ${reason}`,
      mend: kloros(patient, 'revive'),
    });
  return findings;
};

import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Context } from '../context.ts';
import type { FileSystem } from '../files/filesystem.ts';
import { explainFileError } from '../files/write-atomic.ts';
import type { HomePaths } from '../home/paths.ts';
import { bootId, isAlive, processStat } from '../lock/liveness.ts';
import { killAll } from './kill.ts';
import { environmentOf, listProcesses, type ProcessFacts, readProcess } from './proc.ts';
import type { TrialRequest } from './types.ts';

/** The folder of one running trial: <home>/scratch/<id>/. */
export interface Scratch {
  readonly folder: string;
  /** The evaluator's own, KLOROS_SCRATCH. Its path is in the environment of every process of the trial. */
  readonly work: string;
  readonly paramsFile: string;
  readonly metricsFile: string;
}

/** The process that runs a trial, as far as it takes to tell later whether it is alive. */
type Owner = Parameters<typeof isAlive>[0];

const OWNER_FILE = 'owner.json';
const WORK = 'work';

function scratchAt(folder: string): Scratch {
  return {
    folder,
    work: join(folder, WORK),
    paramsFile: join(folder, 'params.json'),
    metricsFile: join(folder, 'metrics.jsonl'),
  };
}

function self(fs: FileSystem): Owner {
  const startTime = processStat(fs, process.pid)?.startTime ?? 0;
  return { pid: process.pid, startTime, bootId: bootId(fs), host: hostname() };
}

/** Not fsynced: none of it outlives the trial. */
function writeNew(fs: FileSystem, path: string, text: string): void {
  const fd = fs.openSync(path, 'wx', 0o600);
  try {
    fs.writeSync(fd, text);
  } finally {
    fs.closeSync(fd);
  }
}

/**
 * Makes the folder of a trial. What a dead run of the same trial left there is ended and removed first.
 * @throws KLR_E_DISK_FULL, KLR_E_HOME_READ_ONLY
 */
export async function createScratch(
  ctx: { paths: Pick<HomePaths, 'scratch'>; fs: FileSystem },
  request: Pick<TrialRequest, 'id' | 'params'>,
): Promise<Scratch> {
  const { fs, paths } = ctx;
  const scratch = scratchAt(join(paths.scratch, request.id));
  if (fs.existsSync(scratch.folder)) await endTrial(fs, scratch);
  try {
    fs.mkdirSync(scratch.work, { recursive: true, mode: 0o700 });
    writeNew(fs, join(scratch.folder, OWNER_FILE), JSON.stringify(self(fs)));
    writeNew(fs, scratch.paramsFile, JSON.stringify(request.params));
    writeNew(fs, scratch.metricsFile, '');
  } catch (error) {
    throw explainFileError(error, scratch.folder);
  }
  return scratch;
}

/** Makes every folder below writable: some tools leave theirs read-only. Links are not followed. */
function unlock(fs: FileSystem, folder: string): void {
  fs.chmodSync(folder, 0o700);
  for (const entry of fs.readdirSync(folder, { withFileTypes: true }))
    if (entry.isDirectory()) unlock(fs, join(folder, entry.name));
}

/** Removes the folder of a trial, whatever the evaluator made of it. False when it could not be: the sweep tries again. */
export function removeScratch(fs: FileSystem, folder: string): boolean {
  for (const prepare of [() => {}, () => unlock(fs, folder)]) {
    try {
      prepare();
      fs.rmSync(folder, { recursive: true, force: true });
      return true;
    } catch {
      // The second time its folders were made writable.
    }
  }
  return false;
}

/** The processes that were started for the trial in `work`. */
function processesOf(work: string): ProcessFacts[] {
  const marker = Buffer.from(`KLOROS_SCRATCH=${work}`).toString('latin1');
  return listProcesses()
    .filter((pid) => pid !== process.pid && environmentOf(pid).includes(marker))
    .map(readProcess)
    .filter((facts) => facts !== null && !facts.dead) as ProcessFacts[];
}

async function endTrial(fs: FileSystem, scratch: Scratch): Promise<{ killed: number; removed: boolean }> {
  const killed = await killAll(() => processesOf(scratch.work));
  return { killed, removed: removeScratch(fs, scratch.folder) };
}

/** A folder whose owner cannot be told belongs to nobody. */
function ownerIsAlive(fs: FileSystem, folder: string): boolean {
  try {
    return isAlive(JSON.parse(fs.readFileSync(join(folder, OWNER_FILE), 'utf8')) as Owner, fs);
  } catch {
    return false;
  }
}

/**
 * Ends the trials that a dead KLoROS left running and removes their folders. Trials of a process that is alive are left
 * alone, so it may be called at any time.
 */
export async function sweepScratch(
  ctx: Pick<Context, 'paths' | 'fs'>,
): Promise<{ removed: number; killed: number }> {
  const { fs, paths } = ctx;
  const swept = { removed: 0, killed: 0 };
  if (!fs.existsSync(paths.scratch)) return swept;
  for (const name of fs.readdirSync(paths.scratch)) {
    const scratch = scratchAt(join(paths.scratch, name));
    if (ownerIsAlive(fs, scratch.folder)) continue;
    const { killed, removed } = await endTrial(fs, scratch);
    swept.killed += killed;
    swept.removed += removed ? 1 : 0;
  }
  return swept;
}

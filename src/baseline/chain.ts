import { join, relative } from 'node:path';
import type { Context } from '../context.ts';
import type { Database } from '../store/database.ts';
import { fromJson, sha256Hex } from '../store/json.ts';
import { renderContent } from './content.ts';
import { type BaselineRow, fromRow } from './current.ts';
import { type BaselineFile, currentFiles, oweFiles, versionFiles } from './files.ts';
import { manifestText, versionOfName } from './manifest.ts';
import { listPins } from './pins.ts';
import type { Baseline } from './types.ts';

export interface ChainProblem {
  readonly version: number;
  /** The file, relative to the home; null when the database itself is wrong. */
  readonly file: string | null;
  readonly reason: string;
}

export type ChainResult =
  | { readonly ok: true; readonly versions: number; readonly head: string }
  | { readonly ok: false; readonly problems: readonly ChainProblem[] };

type ChainContext = Pick<Context, 'db' | 'fs' | 'paths'>;

/** Why a row does not continue the chain; null when it does. */
function brokenLink(b: Baseline, before: Baseline | null, recorded: string | undefined): string | null {
  if (b.version !== (before?.version ?? 0) + 1) return `v${(before?.version ?? 0) + 1} is missing`;
  if (sha256Hex(b.content) !== b.sha256) return 'its content does not match its hash';
  if (renderContent(b.params) !== b.content) return 'its parameters do not match its content';
  if (b.previousSha256 !== (before?.manifestSha256 ?? '')) return 'it does not name the version before it';
  if (sha256Hex(manifestText(b)) !== b.manifestSha256) return 'its manifest does not match its hash';
  if (before && b.token <= before.token) return `its token ${b.token} is not newer than ${before.token}`;
  if (recorded !== b.manifestSha256) return 'the ledger tells of another manifest';
  return null;
}

/** The hash of each version's manifest, as the ledger recorded it. */
async function recordedHashes(db: Database): Promise<Map<number, string>> {
  const rows = await db.all<{ data: string }>(
    "SELECT data FROM events WHERE kind = 'baseline.committed' ORDER BY seq",
  );
  return new Map(
    rows.map(({ data }) => {
      const told = fromJson<{ version: number; manifest_sha256: string }>(data);
      return [told.version, told.manifest_sha256] as const;
    }),
  );
}

/** Every file that may stand on disk, manifest.json last. */
const allFiles = (ctx: ChainContext, baselines: readonly Baseline[]): BaselineFile[] => [
  ...baselines.flatMap((b) => versionFiles(ctx.paths, b)),
  ...baselines.slice(-1).flatMap((b) => currentFiles(ctx.paths, b)),
];

function readOrNull(ctx: ChainContext, path: string): string | null {
  try {
    return ctx.fs.readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return null;
    throw error;
  }
}

async function checkFiles(ctx: ChainContext, baselines: readonly Baseline[]): Promise<ChainProblem[]> {
  const current = baselines.at(-1)?.version ?? 0;
  const pinned = new Set((await listPins(ctx.db)).map(({ version }) => version));
  const rows = await ctx.db.all<{ path: string }>('SELECT path FROM outbox');
  const owed = new Set(rows.map(({ path }) => path));
  const problems: ChainProblem[] = [];
  for (const { version, path, text } of allFiles(ctx, baselines)) {
    const file = relative(ctx.paths.root, path);
    if (owed.has(file)) continue;
    const found = readOrNull(ctx, path);
    if (found === null && (version >= current - 1 || pinned.has(version)))
      problems.push({ version, file, reason: 'it is missing' });
    if (found !== null && found !== text)
      problems.push({ version, file, reason: 'it is not what was committed' });
  }
  const folder = ctx.paths.baselineVersions;
  for (const name of ctx.fs.existsSync(folder) ? ctx.fs.readdirSync(folder) : []) {
    const version = versionOfName(name);
    if (version !== null && version > current)
      problems.push({
        version,
        file: relative(ctx.paths.root, join(folder, name)),
        reason: 'the database does not know this version',
      });
  }
  return problems;
}

/**
 * Checks every version: content against its hash, each link to the one before, tokens that only grow, the ledger's
 * record, and the files on disk: those of the version in force, the one before and the pinned ones
 * have to be there, unless they are still owed; what is there of others has to be what was committed.
 * @returns `head`: the manifest hash of the version in force, '' when there is none
 */
export async function verifyChain(ctx: ChainContext): Promise<ChainResult> {
  const rows = await ctx.db.all<BaselineRow>('SELECT * FROM baselines ORDER BY version');
  const recorded = await recordedHashes(ctx.db);
  const baselines = rows.map(fromRow);
  const problems: ChainProblem[] = [];
  baselines.forEach((baseline, index) => {
    const reason = brokenLink(baseline, baselines[index - 1] ?? null, recorded.get(baseline.version));
    if (reason) problems.push({ version: baseline.version, file: null, reason });
  });
  for (const version of recorded.keys())
    if (!baselines.some((b) => b.version === version))
      problems.push({ version, file: null, reason: 'the ledger tells of it, the table does not have it' });
  problems.push(...(await checkFiles(ctx, baselines)));
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, versions: baselines.length, head: baselines.at(-1)?.manifestSha256 ?? '' };
}

/**
 * Owes again the files of the versions that have to stay and are missing or not what was committed; manifest.json
 * last. `deliverOutbox` writes them. Only a chain whose database verifies is written out.
 * @returns the files owed, relative to the home
 */
export async function repairFiles(ctx: ChainContext & Pick<Context, 'clock'>): Promise<string[]> {
  const result = await verifyChain(ctx);
  if (result.ok || result.problems.some(({ file }) => file === null)) return [];
  const broken = new Set(result.problems.map(({ file }) => file));
  const rows = await ctx.db.all<BaselineRow>('SELECT * FROM baselines ORDER BY version');
  const fileOf = ({ path }: BaselineFile) => relative(ctx.paths.root, path);
  const files = allFiles(ctx, rows.map(fromRow)).filter((file) => broken.has(fileOf(file)));
  await ctx.db.transaction((tx) => oweFiles(tx, ctx, files));
  return files.map(fileOf);
}

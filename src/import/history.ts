import { basename, join } from 'node:path';
import { sha256Hex } from '../store/json.ts';
import { jsonNames, readOld, readOldJson, refuse } from './read-old.ts';
import type { ImportItem, ImportOutcome, OldHome } from './types.ts';

interface OldVersion {
  readonly version: number;
  readonly path: string;
  readonly sha256: string;
  readonly previous: string;
  readonly data: Readonly<Record<string, unknown>>;
}

function versionOf(
  old: OldHome,
  folder: string,
  name: string,
): OldVersion | Extract<ImportOutcome, { do: 'refuse' }> {
  const path = join(folder, name);
  const read = readOldJson(old, path);
  if ('do' in read) return read;
  const { version, sha256, previous_sha, ts, actor, promotion_ids } = read.value;
  if (!Number.isSafeInteger(version) || typeof sha256 !== 'string')
    return refuse('torn', 'it names no version and hash', `cat ${path}`);
  const digits = /_v(\d+)\.json$/.exec(name)?.[1] ?? '';
  const content = readOld(old, join(folder, `baseline_v${digits}.yaml`));
  if ('do' in content)
    return refuse('gap', `the content of version ${version} cannot be read: ${content.reason}`, content.mend);
  if (sha256Hex(content.bytes) !== sha256)
    return refuse(
      'gap',
      `the content of version ${version} is not the one of its manifest`,
      `sha256sum ${folder}/*`,
    );
  const data = { version, sha256, previous_sha, ts, actor, promotion_ids, content: content.text };
  return { version: Number(version), path, sha256, previous: String(previous_sha ?? ''), data };
}

/** What is wrong between a version and the one before it; null when it follows. */
function gapBefore(version: OldVersion, before: OldVersion | undefined): string | null {
  if (!before) return version.version === 1 ? null : `versions before ${version.version} are missing`;
  if (version.version !== before.version + 1)
    return `versions ${before.version + 1} to ${version.version - 1} are missing`;
  return version.previous === before.sha256
    ? null
    : `version ${version.version} does not name the one before it`;
}

/**
 * The old baseline versions, as history in the ledger, each checked against its hash and the one before it. Gaps are
 * told and left: a chain that is closed by hand proves nothing.
 */
export function readBaselines(old: OldHome, recorded: ReadonlySet<string>): ImportItem[] {
  if (old.baseline === null) return [];
  const folder = join(old.baseline, 'versions');
  if (!old.fs.existsSync(folder)) return [];
  const items: ImportItem[] = [];
  let before: OldVersion | undefined;
  for (const name of jsonNames(old, folder).filter((one) => /^manifest_v\d+\.json$/.test(one))) {
    const source = join(folder, name);
    const version = versionOf(old, folder, name);
    if ('do' in version) {
      items.push({ kind: 'baseline', source, name, outcome: version });
      continue;
    }
    const gap = gapBefore(version, before);
    if (gap !== null)
      items.push({
        kind: 'baseline',
        source,
        name: `${name} (chain)`,
        outcome: refuse('gap', gap, `ls ${folder}`),
      });
    const id = `v${version.version}`;
    const outcome: ImportOutcome = recorded.has(id)
      ? { do: 'nothing' }
      : { do: 'record', data: version.data };
    items.push({ kind: 'baseline', source, name: id, outcome });
    before = version;
  }
  return items;
}

/** Escrow entries, as history: an approval that is bound to no content approves nothing here. */
export function readEscrow(old: OldHome, recorded: ReadonlySet<string>): ImportItem[] {
  return jsonNames(old, old.escrow).map((file): ImportItem => {
    const source = join(old.escrow ?? '', file);
    const name = basename(file, '.json');
    const read = readOldJson(old, source);
    if ('do' in read) return { kind: 'escrow', source, name, outcome: read };
    const outcome: ImportOutcome = recorded.has(name)
      ? { do: 'nothing' }
      : { do: 'record', data: read.value };
    return { kind: 'escrow', source, name, outcome };
  });
}

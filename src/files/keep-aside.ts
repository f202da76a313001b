import type { FileSystem } from './filesystem.ts';

/** Keeps what stands at `path` under the first free of `.bak`, `.bak2`, …; the new name. */
export function keepAside(fs: FileSystem, path: string): string {
  for (let n = 1; ; n++) {
    const kept = `${path}.bak${n === 1 ? '' : n}`;
    if (fs.lstatSync(kept, { throwIfNoEntry: false })) continue;
    fs.renameSync(path, kept);
    return kept;
  }
}

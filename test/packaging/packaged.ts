import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = dirname(dirname(import.meta.dirname));

/** The Node.js that runs this, before any other. */
export const PATH = `${dirname(process.execPath)}:${process.env.PATH}`;

export function npm(cwd: string, ...args: string[]): string {
  return execFileSync('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, PATH },
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 64 * 2 ** 20,
  });
}

export interface Packed {
  /** The file that npm made. */
  readonly file: string;
  /** What is in it. */
  readonly paths: readonly string[];
}

/** `npm pack` in a copy of the work tree: its build does not touch the one that others work in. */
export function pack(folder: string): Packed {
  const copy = join(folder, 'source');
  mkdirSync(copy);
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
    cwd: root,
    encoding: 'utf8',
  });
  for (const path of listed.split('\0').filter((name) => name !== '')) {
    mkdirSync(dirname(join(copy, path)), { recursive: true });
    cpSync(join(root, path), join(copy, path));
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  const told = npm(copy, 'pack', '--json', '--pack-destination', folder);
  // What the scripts of the package print stands before it.
  const [packed] = JSON.parse(told.slice(told.indexOf('[\n'))) as {
    filename: string;
    files: { path: string }[];
  }[];
  if (!packed) throw new Error(told);
  return { file: join(folder, packed.filename), paths: packed.files.map(({ path }) => path) };
}

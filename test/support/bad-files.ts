import { execFileSync } from 'node:child_process';
import { chownSync, linkSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A file that no reader of a drop folder may take for what it should be. */
export interface BadFile {
  readonly kind: string;
  /** Makes it at `path`; `sound` is the text of a good file, `elsewhere` a folder outside the drop folder. */
  make(path: string, sound: string, elsewhere: string): void;
  /** What the answer has to say. */
  readonly says: RegExp;
  /** Making it needs to be root. */
  readonly root?: true;
}

const write = (text: string | Uint8Array) => (path: string) => writeFileSync(path, text);

export const BAD_FILES: readonly BadFile[] = [
  { kind: 'torn', make: (path, sound) => writeFileSync(path, sound.slice(0, -9)), says: /not valid JSON/ },
  { kind: 'empty', make: write(''), says: /empty/ },
  {
    kind: '2 GiB and sparse',
    make: (path) => {
      writeFileSync(path, '{');
      truncateSync(path, 2 ** 31);
    },
    says: /2147483648 bytes/,
  },
  {
    kind: 'a symbolic link',
    make: (path, sound, elsewhere) => {
      const target = join(elsewhere, 'target.json');
      writeFileSync(target, sound);
      symlinkSync(target, path);
    },
    says: /symbolic link/,
  },
  { kind: 'a dangling link', make: (path) => symlinkSync('/nowhere', path), says: /symbolic link/ },
  { kind: 'a FIFO', make: (path) => execFileSync('mkfifo', [path]), says: /FIFO/ },
  { kind: 'a folder', make: (path) => mkdirSync(path), says: /folder/ },
  {
    kind: 'a hard link',
    make: (path, sound, elsewhere) => {
      const target = join(elsewhere, 'second-name.json');
      writeFileSync(target, sound);
      linkSync(target, path);
    },
    says: /hard links/,
  },
  {
    kind: 'owned by someone else',
    make: (path, sound) => {
      writeFileSync(path, sound);
      chownSync(path, 65534, 65534);
    },
    says: /belongs to user 65534/,
    root: true,
  },
  {
    kind: 'with a __proto__ key',
    make: (path, sound) => writeFileSync(path, sound.replace('{', '{"__proto__":{"polluted":true},')),
    says: /__proto__/,
  },
  {
    kind: 'with a constructor key inside',
    make: (path, sound) => writeFileSync(path, sound.replace('{', '{"x":{"constructor":{"prototype":1}},')),
    says: /constructor/,
  },
  {
    kind: 'with NaN',
    make: (path, sound) => writeFileSync(path, sound.replace('{', '{"x":NaN,')),
    says: /not valid JSON/,
  },
  {
    kind: 'with 1e999',
    make: (path, sound) => writeFileSync(path, sound.replace('{', '{"x":1e999,')),
    says: /range/,
  },
  {
    kind: 'with a key twice',
    make: (path, sound) => writeFileSync(path, sound.replace('{', '{"x":1,"x":2,')),
    says: /"x" is there twice/,
  },
  {
    kind: 'two documents',
    make: (path, sound) => writeFileSync(path, sound + sound),
    says: /not valid JSON/,
  },
  {
    kind: 'with a byte-order mark',
    make: (path, sound) => writeFileSync(path, `\ufeff${sound}`),
    says: /byte-order mark/,
  },
  { kind: 'not UTF-8', make: write(Uint8Array.of(0x7b, 0xff, 0x7d)), says: /not valid UTF-8/ },
  { kind: 'nested 100,000 deep', make: write('['.repeat(100_000)), says: /not valid JSON|deep/ },
  { kind: 'a list', make: write('[]'), says: /not a JSON object/ },
  { kind: 'null', make: write('null'), says: /not a JSON object/ },
];

export const isRoot = process.getuid?.() === 0;

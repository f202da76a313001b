import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MAIN } from '../support/kloros.ts';

/** The lines of the `sh` blocks of a page, in order, block by block. */
export function shellBlocks(markdown: string): string[][] {
  return [...markdown.matchAll(/^```sh\n(.*?)^```/gms)].map(([, block = '']) =>
    block.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#')),
  );
}

/** What is not KLoROS's: commands that change the machine do nothing in a test, and `sudo` only goes on. */
const STUBS: Readonly<Record<string, string>> = {
  sudo: '[ "$1" = -u ] && shift 2\nexec "$@"',
  npm: 'exit 0',
  useradd: 'exit 0',
  install: 'exit 0',
  loginctl: 'exit 0',
};

/** A folder of programs: this `kloros`, and the stubs. */
export function makeBin(folder: string): string {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  const programs = { ...STUBS, kloros: `exec "${process.execPath}" "${MAIN}" "$@"` };
  for (const [name, script] of Object.entries(programs)) {
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(bin, name), 0o755);
  }
  return bin;
}

/** A line as it runs below `root`: the places of the page are folders of the test, units go where no systemd looks. */
export function below(root: string, line: string): string {
  return line
    .replaceAll(
      /(?<![\w.])(\/var\/lib\/kloros|\/etc\/kloros|\/var\/backups|\/home\/kloros|\/tmp\/kloros-restored)/g,
      `${root}$1`,
    )
    .replace(
      /\bkloros (.*?)service (install|uninstall|status|diff)\b/,
      `kloros $1service $2 --unit-dir ${root}/units`,
    );
}

/** A text in a unit: specifiers (%) mean themselves. */
const plain = (text: string) => text.replaceAll('%', '%%');

/** A word in double quotes where it needs them (systemd.syntax(7)). */
function quoted(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `"${word.replace(/["\\]/g, '\\$&')}"`;
}

/** A command as ExecStart takes it: no shell, no variables. */
export function commandLine(words: readonly string[]): string {
  return words.map((word) => quoted(plain(word).replaceAll('$', '$$$$'))).join(' ');
}

/** Folders as ReadWritePaths takes them. `prefix` `-`: one that is not there is left out. */
export function folderList(folders: readonly string[], prefix = ''): string {
  return folders.map((folder) => quoted(prefix + plain(folder))).join(' ');
}

/** An assignment as Environment takes it. */
export function assignment(name: string, value: string): string {
  return quoted(`${name}=${plain(value)}`);
}

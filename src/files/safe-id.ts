/** An id that comes from outside may become part of a file name, so it holds nothing that a path gives a meaning. */
const ID = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/;

/** Room is left in the 255 bytes of a name for what is put behind a stem, such as `_ack.json`. */
const FILE_NAME = /^[A-Za-z0-9_][A-Za-z0-9._:-]{0,219}$/;

function climbs(text: string): boolean {
  return text.includes('..') || text.endsWith('.');
}

/** Whether `value` is an id: 1 to 128 ASCII letters, digits and `. _ : -`, a letter or digit first, no `..`. */
export function isSafeId(value: unknown): value is string {
  return typeof value === 'string' && ID.test(value) && !climbs(value);
}

/** Whether `name` may be a file in a drop folder: as an id, up to 220 characters, `_` first too; never hidden. */
export function isSafeFileName(name: unknown): name is string {
  return typeof name === 'string' && FILE_NAME.test(name) && !climbs(name);
}

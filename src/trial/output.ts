import { stripVTControlCharacters } from 'node:util';

/** Bytes of output that are kept with a result. */
const TAIL_BYTES = 4096;

/** Keeps the end of what a trial prints, and how much it was. */
export interface OutputTail {
  add(chunk: Buffer): void;
  /** Bytes printed so far. */
  readonly total: number;
  /** The end, at most 4 KiB, without control characters but newline and tab. */
  text(): string;
}

function clean(bytes: Buffer): string {
  // The cut may have fallen into a character: what is left of it is dropped.
  const text = bytes.toString('utf8').replace(/^\ufffd+/, '');
  const plain = stripVTControlCharacters(text)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it removes
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '');
  return Buffer.from(plain)
    .subarray(-TAIL_BYTES)
    .toString('utf8')
    .replace(/^\ufffd+/, '');
}

export function outputTail(): OutputTail {
  let kept = Buffer.alloc(0);
  let total = 0;
  return {
    add(chunk) {
      total += chunk.length;
      kept = Buffer.concat([kept, chunk.subarray(-TAIL_BYTES)]).subarray(-TAIL_BYTES);
    },
    get total() {
      return total;
    },
    text: () => clean(kept),
  };
}

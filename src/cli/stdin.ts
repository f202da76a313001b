import { KlorosError } from '../errors.ts';

/** As large as a file in a drop folder may be, bytes. */
const LARGEST = 256 * 1024;

/** All of stdin as text. @throws KLR_E_USAGE for more than 256 KiB */
export async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > LARGEST) throw new KlorosError('KLR_E_USAGE', 'there is more than 256 KiB on stdin');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

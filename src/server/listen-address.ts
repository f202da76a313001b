import { isIP } from 'node:net';
import { KlorosError } from '../errors.ts';

/** Where a server listens, and under which names it answers. */
export interface ListenAddress {
  /** An IP address. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Names and addresses, lower case, that the Host header may carry, without port. */
  readonly names: readonly string[];
}

const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]'];

function refuse(text: string, message: string, hint: string): never {
  throw new KlorosError('KLR_E_USAGE', `--listen ${text}: ${message}`, { hint });
}

function isLoopback(host: string): boolean {
  return host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** As it stands in a URL. */
const inUrl = (host: string) => (isIP(host) === 6 ? `[${host}]` : host);

/**
 * Reads `127.0.0.1:9464`, `[::1]:9464` or `localhost:9464`.
 * @param allowed other names that the Host header may carry; without one only loopback is listened on
 * @throws KLR_E_USAGE
 */
export function parseListen(text: string, allowed: readonly string[] = []): ListenAddress {
  const [, bracketed, plain, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const named = bracketed ?? plain;
  if (named === undefined || Number(digits) > 65_535)
    refuse(text, 'it is no address and port', 'Write an address and a port, such as 127.0.0.1:9464.');
  const host = named === 'localhost' ? '127.0.0.1' : named;
  if (isIP(host) === 0)
    refuse(text, `${host} is no IP address`, 'Name the IP address of an interface, such as 127.0.0.1.');
  if (!isLoopback(host) && allowed.length === 0)
    refuse(
      text,
      'beyond this machine anybody could read it',
      'Listen on 127.0.0.1, or name with --allow-host as what it may be asked.',
    );
  const names = isLoopback(host) ? [...LOOPBACK_NAMES, inUrl(host)] : [];
  return {
    host,
    port: Number(digits),
    names: [...new Set([...names, ...allowed].map((name) => name.toLowerCase()))],
  };
}

/** Whether a Host header names this server exactly: a page of another name that resolves to us is turned away. */
export function isOwnHost(header: string | undefined, names: readonly string[], port: number): boolean {
  const given = header?.toLowerCase();
  if (given === undefined) return false;
  return names.some((name) => given === `${name}:${port}` || (port === 80 && given === name));
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { serviceNotifier } from '../../src/service/notify.ts';

/** A service manager as far as messages go: Node.js cannot listen on such a socket, Perl can. */
const MANAGER = `
  use Socket; $| = 1;
  socket(my $s, AF_UNIX, SOCK_DGRAM, 0) or die; bind($s, sockaddr_un($ARGV[0])) or die;
  print "listening\\n";
  while (defined recv($s, my $m, 4096, 0)) { print "$_\\n" for grep { !/^BARRIER/ } split /\\n/, $m; }`;

let folder: string;
let stop = () => {};
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kloros-notify-'));
});
afterEach(() => {
  stop();
  rmSync(folder, { recursive: true, force: true });
});

async function manager(): Promise<{ socket: string; next(): Promise<string> }> {
  const socket = join(folder, 'notify');
  const child = spawn('perl', ['-e', MANAGER, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  stop = () => child.kill('SIGKILL');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => String((await lines.next()).value);
  expect(await next()).toBe('listening');
  return { socket, next };
}

test('the service manager is told of the start and of the end', async () => {
  const { socket, next } = await manager();
  // Of this test alone: a message that outlives it has nobody to talk to.
  const troubles: string[] = [];
  const notifier = serviceNotifier({ PATH: process.env.PATH, NOTIFY_SOCKET: socket }, (reason) =>
    troubles.push(reason),
  );
  notifier?.ready();
  expect(await next()).toBe('READY=1');
  notifier?.stopping();
  expect(await next()).toBe('STOPPING=1');
  expect(troubles).toEqual([]);
  notifier?.dispose();
});

test('signs of life come again and again while there is a watchdog', async () => {
  const { socket, next } = await manager();
  // Of this test alone: a message that outlives it has nobody to talk to.
  const troubles: string[] = [];
  const env = { PATH: process.env.PATH, NOTIFY_SOCKET: socket, WATCHDOG_USEC: '600000' };
  const notifier = serviceNotifier(env, (reason) => troubles.push(reason));
  expect([await next(), await next(), await next()]).toEqual(['WATCHDOG=1', 'WATCHDOG=1', 'WATCHDOG=1']);
  expect(troubles).toEqual([]);
  notifier?.dispose();
});

test('nobody is told when no service manager asks', () => {
  expect(serviceNotifier({ PATH: process.env.PATH }, () => {})).toBeNull();
});

test('a missing program is told once, and harms nobody', async () => {
  const told: string[] = [];
  const heard = Promise.withResolvers<void>();
  const notifier = serviceNotifier({ PATH: folder, NOTIFY_SOCKET: '/nowhere' }, (reason) => {
    told.push(reason);
    heard.resolve();
  });
  notifier?.ready();
  notifier?.stopping();
  await heard.promise;
  const another = spawn('true');
  await once(another, 'exit');
  expect(told).toHaveLength(1);
  expect(told[0]).toContain('systemd-notify');
});

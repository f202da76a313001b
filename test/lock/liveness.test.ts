import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { hostname } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { nodeFileSystem as fs } from '../../src/files/filesystem.ts';
import { describeSelf } from '../../src/lock/holder.ts';
import { isAlive, processStat } from '../../src/lock/liveness.ts';

const self = describeSelf(fs, { name: 'phase', token: 1, acquiredAt: 0, ttlMs: 1, purpose: 'test' });

/** A file system in which /proc/<pid> cannot be seen, as with the mount option hidepid=2. */
const hidden = {
  ...fs,
  readFileSync: ((path: string, encoding: 'utf8') => {
    if (path.endsWith('/stat')) throw Object.assign(new Error('hidden'), { code: 'ENOENT' });
    return fs.readFileSync(path, encoding);
  }) as typeof fs.readFileSync,
};

test('this process is alive, and signs with its real start time', () => {
  expect(isAlive(self, fs)).toBe(true);
  expect(self.startTime).toBeGreaterThan(0);
  expect(self.host).toBe(hostname());
});

test('the same process id with another start time, or in an earlier boot, is somebody else', () => {
  expect(isAlive({ ...self, startTime: self.startTime - 1 }, fs)).toBe(false);
  expect(isAlive({ ...self, bootId: '00000000-0000-0000-0000-000000000000' }, fs)).toBe(false);
});

test('a process on another machine cannot be seen to be dead, so it counts as alive', () => {
  expect(isAlive({ ...self, host: 'elsewhere', bootId: 'other' }, fs)).toBe(true);
});

test('the start time is found behind a command that holds spaces and parentheses', async () => {
  const child = spawn('bash', ['-c', `printf ') R 1 2 (3' > /proc/self/comm; echo ready; read -r _`]);
  await once(child.stdout, 'data');
  const pid = child.pid ?? 0;
  expect(fs.readFileSync(`/proc/${pid}/stat`, 'utf8')).toContain(') R 1 2 (3)');
  const startTime = processStat(fs, pid)?.startTime ?? 0;
  expect(startTime).toBeGreaterThanOrEqual(self.startTime);
  expect(isAlive({ ...self, pid, startTime }, fs)).toBe(true);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(isAlive({ ...self, pid, startTime }, fs)).toBe(false);
});

test('a zombie is dead: it holds nothing any more', async () => {
  // The shell becomes a sleep, which waits for no child; only then is its child told to end.
  const parent = spawn('sh', ['-c', 'cat <&3 >/dev/null & echo $!; exec sleep 60 3<&-'], {
    stdio: ['ignore', 'pipe', 'ignore', 'pipe'],
  });
  const until = async (reached: () => boolean) => {
    while (!reached()) await new Promise((resolve) => setTimeout(resolve, 2));
  };
  const [line] = await once(parent.stdout as Readable, 'data');
  const pid = Number(String(line));
  await until(() => fs.readFileSync(`/proc/${parent.pid}/comm`, 'utf8') === 'sleep\n');
  const startTime = processStat(fs, pid)?.startTime ?? 0;
  expect(isAlive({ ...self, pid, startTime }, fs)).toBe(true);
  (parent.stdio[3] as Writable).end();
  await until(() => processStat(fs, pid)?.state === 'Z');
  expect(isAlive({ ...self, pid, startTime }, fs)).toBe(false);
  parent.kill('SIGKILL');
});

test('where /proc hides a process, one that may not be signalled (EPERM) is alive, and one that is not there is dead', ({
  skip,
}) => {
  expect(isAlive(self, hidden)).toBe(true);
  const gone = spawnSync('true').pid;
  expect(isAlive({ ...self, pid: gone }, hidden)).toBe(false);

  skip(process.getuid?.() !== 0, 'signalling as another user needs root');
  const liveness = fileURLToPath(new URL('../../src/lock/liveness.ts', import.meta.url));
  const script = `
    const fs = require('node:fs');
    const hidden = { ...fs, readFileSync: (path, encoding) => {
      if (path.endsWith('/stat')) throw Object.assign(new Error(), { code: 'ENOENT' });
      return fs.readFileSync(path, encoding);
    } };
    const { isAlive } = require(${JSON.stringify(liveness)});
    process.setgid(65534); process.setuid(65534);
    let code = ''; try { process.kill(${process.pid}, 0); } catch (error) { code = error.code; }
    console.log(code, isAlive(${JSON.stringify(self)}, hidden));`;
  const { stdout } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' });
  expect(stdout).toBe('EPERM true\n');
});

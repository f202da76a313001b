import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

const script = fileURLToPath(new URL('mounted-home.ts', import.meta.url));
let mountPoint: string;

beforeEach(() => {
  mountPoint = mkdtempSync(join(tmpdir(), 'kloros-mount-'));
});

afterEach(() => rmdirSync(mountPoint));

const inNamespace = (...command: string[]) => spawnSync('unshare', ['-rm', ...command], { encoding: 'utf8' });

/** What the script saw on a real file system; null where this machine gives no mount namespace. */
function onFileSystem(what: 'read-only' | 'full'): unknown {
  if (inNamespace('mount', '-t', 'tmpfs', 'none', mountPoint).status !== 0) return null;
  const { stdout, stderr } = inNamespace(process.execPath, script, mountPoint, what);
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

test('on read-only media a home can be looked into; every write says that the home is read-only', ({
  skip,
}) => {
  const seen = onFileSystem('read-only');
  skip(seen === null, 'no mount namespaces here');
  expect(seen).toEqual({
    seen: { mode: 'observe', ledger: { ok: true, events: 1, head: expect.any(String) } },
    lock: 'KLR_E_HOME_READ_ONLY',
    open: 'KLR_E_HOME_READ_ONLY',
    kill: 'KLR_E_HOME_READ_ONLY',
    killed: false,
  });
});

test('on a full disk nothing changes by half, the kill switch still works, and freed space is enough to go on', ({
  skip,
}) => {
  const seen = onFileSystem('full');
  skip(seen === null, 'no mount namespaces here');
  expect(seen).toEqual({
    mode: 'KLR_E_DISK_FULL',
    lock: 'KLR_E_DISK_FULL',
    kill: 'done',
    during: { mode: 'observe', killed: true },
    after: 'done',
    finally: 'enabled',
    ok: true,
  });
});

/**
 * Runs in a mount namespace of its own (started by media.test.ts): makes a home on a small file system, spoils that,
 * and prints what happened as JSON.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { KlorosError } from '../../src/errors.ts';
import { nodeFileSystem as fs } from '../../src/files/filesystem.ts';
import { createHome } from '../../src/home/create.ts';
import { raiseKill, readKill } from '../../src/home/killswitch.ts';
import { readMode, writeMode } from '../../src/home/mode.ts';
import { closeContext, openContext } from '../../src/home/open.ts';
import { tryLock } from '../../src/lock/acquire.ts';
import { verifyLedger } from '../../src/store/ledger.ts';
import { experimentConfig } from '../support/context.ts';

const [mountPoint = '', what] = process.argv.slice(2);
const home = join(mountPoint, 'home');

const codeOf = async (work: () => unknown) => {
  try {
    await work();
    return 'done';
  } catch (error) {
    return error instanceof KlorosError ? error.code : String(error);
  }
};

execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'none', mountPoint]);
const paths = await createHome(home, fs);
writeFileSync(
  join(home, 'kloros.yaml'),
  JSON.stringify({ version: 1, experiments: { demo: experimentConfig() } }),
);
const options = { home, env: {} };
const ctx = await openContext(options);
await writeMode(ctx, 'observe', 'test');

if (what === 'read-only') {
  await closeContext(ctx);
  execFileSync('mount', ['-o', 'remount,bind,ro', mountPoint]);
  const looking = await openContext({ ...options, readOnly: true });
  const seen = { mode: readMode(looking), ledger: await verifyLedger(looking.db) };
  const lock = await codeOf(() => tryLock(looking, 'orchestrator', { purpose: 'test', ttlMs: 1 }));
  await closeContext(looking);
  const open = await codeOf(() => openContext(options));
  const kill = await codeOf(() => raiseKill(paths, fs, 'smoke'));
  console.log(JSON.stringify({ seen, lock, open, kill, killed: readKill(paths, fs).set }));
} else {
  const filler = openSync(join(mountPoint, 'filler'), 'w');
  await codeOf(() => {
    for (;;) writeSync(filler, Buffer.alloc(4096));
  });
  closeSync(filler);
  const mode = await codeOf(() => writeMode(ctx, 'enabled', 'test'));
  const lock = await codeOf(() => tryLock(ctx, 'orchestrator', { purpose: 'test', ttlMs: 1 }));
  const kill = await codeOf(() => raiseKill(paths, fs, 'smoke'));
  const during = { mode: readMode(ctx), killed: readKill(paths, fs).set };
  fs.unlinkSync(join(mountPoint, 'filler'));
  const after = await codeOf(() => writeMode(ctx, 'enabled', 'test'));
  const ledger = await verifyLedger(ctx.db);
  console.log(JSON.stringify({ mode, lock, kill, during, after, finally: readMode(ctx), ok: ledger.ok }));
  await closeContext(ctx);
}

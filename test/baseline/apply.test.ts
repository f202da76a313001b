import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { applyBaseline } from '../../src/baseline/apply.ts';
import { getBaseline } from '../../src/baseline/current.ts';
import { rollback } from '../../src/baseline/rollback.ts';
import { readEvents } from '../../src/store/ledger.ts';
import { commitOnly, commitWhole, underBaselineLock } from '../support/baseline.ts';
import { type ExperimentInput, experimentConfig, type TestContext, testContext } from '../support/context.ts';

let ctx: TestContext;
afterEach(() => ctx.cleanup());

type Apply = NonNullable<ExperimentInput['apply']>;
async function withApply(
  apply: Partial<Apply> = {},
  more: Record<string, ExperimentInput> = {},
): Promise<void> {
  const demo = experimentConfig({ apply: { file: 'app.json', format: 'json', ...apply } });
  ctx = await testContext({ config: { experiments: { demo, ...more } } });
}
const target = (name = 'app.json') => join(ctx.configDir, name);
const read = (name?: string) => JSON.parse(readFileSync(target(name), 'utf8'));
const script = (body: string): string[] => ['/bin/sh', '-c', body];
const lines = (name: string) => readFileSync(join(ctx.configDir, name), 'utf8').trim().split('\n');

test('the file is written, then the reload runs, then the health command, and applied is recorded', async () => {
  const say = (word: string) =>
    script(`echo ${word} $KLOROS_BASELINE_VERSION $KLOROS_EXPERIMENT $(cat app.json | wc -l) >> done`);
  await withApply({ reload: say('reload'), health: say('health') });
  const baseline = await commitOnly(ctx, { cache: 64 });
  expect(await applyBaseline(ctx, baseline)).toEqual({ state: 'applied', files: ['app.json'] });
  expect(read()).toEqual({ cache: 64, ratio: 0.5, mode: 'slow', compress: false });
  expect(lines('done')).toEqual(['reload 1 demo 6', 'health 1 demo 6']);
  expect(await getBaseline(ctx.db, 1)).toMatchObject({ applyState: 'applied', appliedAt: ctx.clock.now() });
});

test('applying again does the same again: the file stays as it is, the reload runs', async () => {
  await withApply({ reload: script('echo x >> done') });
  const baseline = await commitWhole(ctx, { cache: 64 });
  const before = statSync(target());
  expect(await applyBaseline(ctx, baseline)).toEqual({ state: 'applied', files: ['app.json'] });
  expect(statSync(target()).ino).toBe(before.ino);
  expect(lines('done')).toHaveLength(2);
});

test('a failing reload is reported with the end of its output, and the health command is not run', async () => {
  await withApply({
    reload: script('seq 1 5000; echo no such unit >&2; exit 3'),
    health: script('touch health'),
  });
  const result = await applyBaseline(ctx, await commitOnly(ctx, { cache: 64 }));
  expect(result).toMatchObject({ state: 'failed', step: 'reload', experiment: 'demo' });
  expect(result).toHaveProperty('reason', expect.stringMatching(/^exited with 3: [\s\S]*no such unit$/));
  expect((result as { reason: string }).reason.length).toBeLessThan(4200);
  expect(existsSync(join(ctx.configDir, 'health'))).toBe(false);
  expect(await getBaseline(ctx.db, 1)).toMatchObject({ applyState: 'failed', appliedAt: null });
  expect(await readEvents(ctx.db, { kind: 'baseline.apply-failed' })).toHaveLength(1);
});

test('a failing health command leaves the apply failed; a program that is not there is named', async () => {
  await withApply({ health: ['./no-such-program'] });
  expect(await applyBaseline(ctx, await commitOnly(ctx, { cache: 64 }))).toMatchObject({
    state: 'failed',
    step: 'health',
    reason: expect.stringContaining('no-such-program'),
  });
  expect(await getBaseline(ctx.db, 1)).toMatchObject({ applyState: 'failed' });
});

test('a reload that hangs and ignores SIGTERM is killed with its children at its timeout', async () => {
  const hang = script("trap '' TERM; echo started; sleep 600 & echo $! > child; wait; sleep 600");
  await withApply({ reload: hang, timeout: '300ms' });
  const result = await applyBaseline(ctx, await commitOnly(ctx, { cache: 64 }));
  expect(result).toMatchObject({
    state: 'failed',
    step: 'reload',
    reason: 'did not end within 300 ms: started',
  });
  const child = Number(lines('child')[0]);
  // A zombie that nobody reaped in a container without an init counts as dead.
  const state = existsSync(`/proc/${child}/stat`)
    ? readFileSync(`/proc/${child}/stat`, 'utf8').split(' ')[2]
    : 'gone';
  expect(['gone', 'Z']).toContain(state);
});

test('a reload may leave a service behind', async () => {
  await withApply({ reload: script('sleep 30 & echo $! > service') });
  expect(await applyBaseline(ctx, await commitOnly(ctx, { cache: 64 }))).toMatchObject({ state: 'applied' });
  const service = Number(lines('service')[0]);
  expect(() => process.kill(service, 0)).not.toThrow();
  process.kill(service);
});

test('the permissions of the file stay; a new one is for its owner alone', async () => {
  await withApply();
  const baseline = await commitOnly(ctx, { cache: 64 });
  await applyBaseline(ctx, baseline);
  expect(statSync(target()).mode & 0o777).toBe(0o600);
  chmodSync(target(), 0o664);
  await commitWhole(ctx, { cache: 32 });
  expect(statSync(target()).mode & 0o777).toBe(0o664);
  expect(read().cache).toBe(32);
});

test.skipIf(process.getuid?.() !== 0)('the owner of the file stays when someone else applies', async () => {
  await withApply();
  writeFileSync(target(), '{}');
  chownSync(target(), 12345, 23456);
  await commitWhole(ctx, { cache: 64 });
  expect(statSync(target())).toMatchObject({ uid: 12345, gid: 23456 });
  expect(read().cache).toBe(64);
});

test('a symbolic link in place of the file stays, what it names is written', async () => {
  await withApply();
  mkdirSync(target('etc'));
  writeFileSync(target('etc/real.json'), '{"other": true}');
  symlinkSync('etc/real.json', target());
  await commitWhole(ctx, { cache: 64 });
  expect(lstatSync(target()).isSymbolicLink()).toBe(true);
  expect(read('etc/real.json')).toMatchObject({ other: true, cache: 64 });
});

test.each([
  ['a folder that is missing', { file: 'no/app.json' }, () => {}],
  ['a folder in its place', { file: 'app.json' }, () => mkdirSync(target())],
  [
    'bytes that are not UTF-8',
    { file: 'app.json' },
    () => writeFileSync(target(), Buffer.from([0x22, 0xff, 0x22])),
  ],
  ['what is not JSON', { file: 'app.json' }, () => writeFileSync(target(), '{"a": ')],
  ['a template that is missing', { format: 'template', template: 'no.tmpl' } as const, () => {}],
] as const)('%s is reported, and the file is left as it is', async (_what, apply, prepare) => {
  await withApply(apply);
  prepare();
  expect(await applyBaseline(ctx, await commitOnly(ctx, { cache: 64 }))).toMatchObject({
    state: 'failed',
    step: 'render',
  });
  expect(await getBaseline(ctx.db, 1)).toMatchObject({ applyState: 'failed' });
});

test('experiments that a version does not change are left alone', async () => {
  const other = experimentConfig({
    apply: { file: 'other.json', format: 'json', reload: script('touch reloaded') },
  });
  await withApply({}, { other });
  await commitWhole(ctx, { cache: 64 });
  expect(existsSync(target('other.json'))).toBe(false);
  expect(existsSync(target('reloaded'))).toBe(false);
});

test('a roll-back after a failed apply writes the target again, though the last applied version was the same', async () => {
  await withApply({ health: script('grep -q 666 app.json && exit 1; true') });
  await commitWhole(ctx, { cache: 64 });
  const bad = await commitOnly(ctx, { cache: 666 });
  expect(await applyBaseline(ctx, bad)).toMatchObject({ state: 'failed', step: 'health' });
  expect(read().cache).toBe(666);
  const back = await underBaselineLock(ctx, (lock) => rollback(ctx, lock, { actor: 'test', reason: 'test' }));
  expect(await applyBaseline(ctx, back)).toEqual({ state: 'applied', files: ['app.json'] });
  expect(read().cache).toBe(64);
});

test('a version that is no longer in force is not applied over a newer one', async () => {
  await withApply();
  const old = await commitOnly(ctx, { cache: 64 });
  await commitWhole(ctx, { cache: 32 });
  expect(await applyBaseline(ctx, old)).toMatchObject({
    state: 'failed',
    reason: expect.stringContaining('v2'),
  });
  expect(read().cache).toBe(32);
});

/**
 * The main job: the whole loop on a real SQLite database, from a search to a committed, applied and watched baseline.
 * A second run goes on from the baseline that the first one left.
 */
import { copyFileSync, existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { progressLine } from '../../src/cli/progress.ts';
import { lengthOf, percent } from '../../src/cli/words.ts';
import {
  type Context,
  closeContext,
  currentBaseline,
  initHome,
  openContext,
  readStatus,
  readVerdicts,
  runTick,
  submitIntent,
  type TickOptions,
  type TickResult,
  writeMode,
} from '../../src/index.ts';

const here = dirname(fileURLToPath(import.meta.url));
const home = process.env.KLOROS_HOME ?? join(here, '..', '..', '.kloros');
const EXPERIMENT = 'sqlite';
/** The job ends by then, whatever is still open, ms. */
const TIME_LIMIT_MS = 290_000;
/** Searches of a first run, at most: what is in force already is searched around once. */
const MOST_SEARCHES = 3;
/** A search is not begun with less than this left, ms: it takes one minute, validation and watch up to two more. */
const VALIDATION_MS = 180_000;
/** A full loop takes some eight ticks; more than this is a loop that does not settle. */
const MOST_TICKS = 30;

const say = (words = '') => process.stdout.write(`${words}\n`);

async function open(): Promise<Context> {
  if (!existsSync(join(home, 'kloros.db'))) {
    await initHome({ home, configFile: join(here, 'kloros.yaml'), actor: 'npm start' });
    say(`Made a home in ${home}`);
  }
  // The application's own file is not in the repository: KLoROS is going to change it.
  if (!existsSync(join(here, 'settings.toml')))
    copyFileSync(join(here, 'settings.default.toml'), join(here, 'settings.toml'));
  // The health command of kloros.yaml runs `node`: the one that runs this, wherever it stands.
  const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH}` };
  const ctx = await openContext({ home, env });
  if ((await readStatus(ctx)).mode.mode !== 'enabled') await writeMode(ctx, 'enabled', 'npm start');
  return ctx;
}

function title(ctx: Context, version: number): void {
  const experiment = ctx.config.experiments[EXPERIMENT];
  say(`Tuning ${experiment?.description ?? EXPERIMENT}`);
  say(`  knobs:    ${Object.keys(experiment?.parameters ?? {}).join(', ')}`);
  say(`  domains:  ${Object.keys(experiment?.domains ?? {}).join(', ')}`);
  say(`  in force: baseline v${version}${version === 0 ? ', SQLite’s defaults' : ''}\n`);
}

const progress = progressLine(false);

async function tick(ctx: Context, options: TickOptions = {}): Promise<TickResult> {
  const result = await runTick(ctx, { ...options, onProgress: progress.show });
  progress.end();
  say(`${result.outcome.padEnd(16)} ${result.reason} (${lengthOf(result.durationMs)})`);
  return result;
}

/** Ticks until nothing is left to do now: no verdict, no commit, no watch. The watch's own waiting time is kept. */
async function settle(ctx: Context, until: number): Promise<void> {
  for (let n = 0; n < MOST_TICKS && ctx.clock.monotonic() < until; n++) {
    const result = await tick(ctx);
    const status = await readStatus(ctx);
    if (status.watch && result.next.at !== null) {
      await ctx.clock.sleep(Math.max(0, Math.min(result.next.at - ctx.clock.now(), 10_000)));
      continue;
    }
    if (result.outcome === 'NOOP' || result.outcome === 'ERROR') return;
  }
}

/**
 * Asks for a search, and for another one when nothing was proven better: under guardrails one seed may miss what the
 * next one finds. There is always time left to validate and to watch.
 */
async function search(ctx: Context, until: number, most: number): Promise<void> {
  for (let n = 0; n < most && until - ctx.clock.monotonic() > VALIDATION_MS; n++) {
    submitIntent(ctx, {
      type: 'trigger_dream',
      priority: 5,
      reason: `npm start asks for a search${n === 0 ? '' : `, number ${n + 1}`}`,
      data: { experiment: EXPERIMENT },
      emittedBy: 'npm start',
    });
    await settle(ctx, until);
    if ((await readStatus(ctx)).waiting.screened > 0) return;
  }
}

const thousands = (n: number | null) => (n === null ? '?' : Math.round(n).toLocaleString('en'));

async function summary(ctx: Context, before: number, started: number): Promise<void> {
  const after = await currentBaseline(ctx.db, ctx.config);
  say(`\nDone in ${lengthOf(ctx.clock.monotonic() - started)}.`);
  if (after.version === before) {
    const status = await readStatus(ctx);
    say(`Baseline v${before} stays in force: nothing was validated as better.`);
    if (status.waiting.escrow > 0) say('An accepted change waits for you: npx kloros escrow list');
  } else {
    say(`Baseline v${after.version} is in force (${after.kind}), written to examples/sqlite/settings.toml:`);
    const changed = Object.entries(after.params[EXPERIMENT] ?? {}).map(([name, value]) => `${name}=${value}`);
    say(`  ${changed.join(' ')}`);
    const verdicts = after.epochId === null ? [] : await readVerdicts(ctx.db, after.epochId);
    const verdict = verdicts.find((v) => v.promotionId === after.promotionId)?.statistics;
    if (verdict?.comparisons) {
      say(
        `  gain over v${before}: ${percent(verdict.gain ?? 0)} throughput over all domains, interval ${percent(verdict.low ?? 0)} to ${percent(verdict.high ?? 0)}`,
      );
      for (const c of verdict.comparisons.filter((c) => c.role === 'objective'))
        say(
          `  ${(c.domain === '*' ? 'all domains' : c.domain).padEnd(12)} ${thousands(c.baselineMean).padStart(8)} → ${thousands(c.candidateMean).padStart(8)} operations/s, ${c.pairs} pairs`,
        );
    }
  }
  say(`
Where to look next:
  npx kloros status                  the loop on one screen
  npx kloros why journal_mode        which evidence put a value in force
  npx kloros phase show              the validation, domain by domain
  npx kloros baseline log            versions; \`baseline rollback\` takes the last one back
  npx kloros dream show              what was tried`);
}

const ctx = await open();
try {
  const started = ctx.clock.monotonic();
  const until = started + TIME_LIMIT_MS;
  const before = (await currentBaseline(ctx.db, ctx.config)).version;
  title(ctx, before);
  await search(ctx, until, before === 0 ? MOST_SEARCHES : 1);
  // The nightly window is hours away: a person asks for the validation now.
  if ((await readStatus(ctx)).waiting.screened > 0) {
    await tick(ctx, { force: { kind: 'phase' } });
    await settle(ctx, until);
  }
  await summary(ctx, before, started);
} finally {
  await closeContext(ctx);
}

/**
 * The loop in a program of your own: open a home, tick once, say what it did and what is in force.
 *   node examples/library/loop.ts HOME
 */
import { closeContext, currentBaseline, openContext, readEvents, runTick } from 'kloros';

const ctx = await openContext({ home: process.argv[2] ?? '.kloros', env: process.env });
try {
  const { outcome, reason, next } = await runTick(ctx, {
    onProgress: ({ stage, done, total }) => process.stderr.write(`${stage} ${done}/${total}\n`),
  });
  const { version } = await currentBaseline(ctx.db, ctx.config);
  const [last] = await readEvents(ctx.db, { newestFirst: true, limit: 1 });
  console.log(JSON.stringify({ outcome, reason, next: next.what, baseline: version, ledger: last?.hash }));
} finally {
  await closeContext(ctx);
}

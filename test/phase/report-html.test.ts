import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { runEpoch } from '../../src/phase/epoch.ts';
import { readReport } from '../../src/phase/read-report.ts';
import { reportHtml } from '../../src/phase/report-html.ts';
import { type TestContext, testContext } from '../support/context.ts';
import { control, FormulaExecutor, request, smallConfig } from './formula.ts';

let ctx: TestContext;
afterEach(() => ctx.cleanup());

async function written(): Promise<string> {
  ctx = await testContext({ config: smallConfig() });
  await ctx.db.run('PRAGMA synchronous = OFF');
  await runEpoch(ctx, new FormulaExecutor(ctx.clock), control(), request());
  return readFileSync(join(ctx.paths.phase, 'phase-1', 'report.html'), 'utf8');
}

test('is one file that loads and runs nothing, with every verdict and comparison of report.json in it', async () => {
  const html = await written();
  const report = await readReport(ctx, 'phase-1');
  expect(html).not.toMatch(/<script|src=|href=|url\(|@import|javascript:/i);
  expect(html).toContain("default-src 'none'");
  for (const candidate of report.candidates) {
    expect(html).toContain(candidate.promotion_id);
    expect(html).toContain(`class="${candidate.verdict}"`);
  }
  const drawn = html.match(/<svg /g)?.length;
  expect(drawn).toBe(report.candidates.flatMap((c) => c.comparisons).length);
});

test('shows what came from outside as text', async () => {
  await written();
  const report = await readReport(ctx, 'phase-1');
  const evil = `"><script>alert('x')</script>&`;
  const html = reportHtml({
    ...report,
    reason: evil,
    environment: { [evil]: evil },
    candidates: report.candidates.map((c) => ({
      ...c,
      promotion_id: evil,
      reason: evil,
      params: { [evil]: evil },
    })),
  });
  expect(html).not.toContain('<script');
  expect(html).not.toContain(evil);
  expect(html).toContain('&lt;script&gt;');
});

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultParams } from '../../src/config/parameters.ts';
import { ackFileName } from '../../src/promotion/ack.ts';
import type { BaselineInForce } from '../../src/promotion/check.ts';
import type { TestContext } from '../support/context.ts';

/** A sound promotion of schema v1. */
export function v1(id: string, changes: Record<string, unknown> = { cache: 64 }): Record<string, unknown> {
  return { schema: 'v1', id, timestamp: 1_760_000_000, fitness: 0.5, changes };
}

export function drop(ctx: TestContext, file: string, document: unknown): void {
  writeFileSync(
    join(ctx.paths.promotions, file),
    typeof document === 'string' ? document : JSON.stringify(document),
  );
}

/** What the configuration declares, as version 0. */
export function defaults(ctx: TestContext): BaselineInForce {
  const params = Object.entries(ctx.config.experiments).map(([name, e]) => [name, defaultParams(e)] as const);
  return { version: 0, params: Object.fromEntries(params) };
}

export function ackOf(ctx: TestContext, file: string): Record<string, unknown> | null {
  const path = join(ctx.paths.promotionAcks, ackFileName(file));
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>) : null;
}

export function ackNames(ctx: TestContext): string[] {
  return readdirSync(ctx.paths.promotionAcks).filter((name) => !name.startsWith('.'));
}

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from '../support/context.ts';

/** A sound intent that does not say when it was made. */
export function intent(
  type = 'trigger_dream',
  fields: Record<string, unknown> = {},
): Record<string, unknown> {
  return { intent_type: type, priority: 5, reason: 'a test', data: {}, ...fields };
}

export function drop(ctx: TestContext, file: string, document: unknown): void {
  const text = typeof document === 'string' ? document : JSON.stringify(document);
  writeFileSync(join(ctx.paths.intents, file), text);
}

/** The archive files of an outcome, as JSON, in the order of their names. */
export function archived(ctx: TestContext, outcome: string): Record<string, unknown>[] {
  const folder = join(ctx.paths.processedIntents, outcome);
  if (!ctx.fs.existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Record<string, unknown>);
}

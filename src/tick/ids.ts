import type { Context } from '../context.ts';

/** A new id that sorts by time and is a path component: `<kind>-20261124T031500Z-4f2a`. */
export function newId(ctx: Pick<Context, 'clock' | 'random'>, kind: string): string {
  const time = new Date(ctx.clock.now()).toISOString().replace(/[-:]|\.\d+/g, '');
  const tail = Math.floor(ctx.random() * 2 ** 16)
    .toString(16)
    .padStart(4, '0');
  return `${kind}-${time}-${tail}`;
}

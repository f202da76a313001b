/** Lets at most `most` pieces of work be under way at once; the others wait in the order in which they came. */
export function createTurns(most: number): { take<T>(work: () => Promise<T>): Promise<T> } {
  const waiting: (() => void)[] = [];
  let free = most;
  return {
    async take(work) {
      if (free > 0) free--;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      try {
        return await work();
      } finally {
        // Handed on without being free in between, so that nobody who comes now overtakes.
        const next = waiting.shift();
        if (next) next();
        else free++;
      }
    },
  };
}

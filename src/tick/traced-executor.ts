import { NO_SPAN, type Span } from '../trace/span.ts';
import type { Executor } from '../trial/types.ts';

/** Shows each trial as a piece of `span`. */
export function tracedExecutor(executor: Executor, span: Span): Executor {
  if (span === NO_SPAN) return executor;
  return {
    slots: executor.slots,
    run: (request, options) => {
      const { id, experiment, domain, seed } = request;
      const attributes = {
        'kloros.trial': id,
        'kloros.experiment': experiment,
        'kloros.domain': domain,
        'kloros.seed': seed,
      };
      return span.child('kloros.trial', attributes, async (trial) => {
        const result = await executor.run(request, options);
        trial.set({ 'kloros.state': result.state });
        if (result.state === 'failed') trial.fail(result.reason);
        return result;
      });
    },
  };
}

// Preloaded into a process under test: says on stderr when anything of OpenTelemetry is asked for.
import { registerHooks } from 'node:module';

registerHooks({
  resolve(specifier, context, next) {
    if (specifier.startsWith('@opentelemetry/')) process.stderr.write(`LOADED ${specifier}\n`);
    return next(specifier, context);
  },
});

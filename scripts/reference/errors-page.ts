import { CATALOGUE, EXIT } from '../../src/errors.ts';
import { code, markdownTable, page } from './markdown.ts';

const MEANING: Readonly<Record<keyof typeof EXIT, string>> = {
  done: 'done; a tick that had nothing to do too',
  internal: 'internal error, or the disk or file system failed',
  disabled: 'the mode is disabled',
  killed: 'the kill switch is set',
  locked: 'another process holds the lock',
  dream: 'a D-REAM cycle failed',
  phase: 'a PHASE epoch failed',
  baseline: 'a commit, an apply or a roll-back failed',
  usage: 'wrong use of the command line',
  data: 'bad data',
  config: 'bad configuration, or a home that cannot be used',
  timeout: 'an action ran out of its time',
};

/** docs/reference/errors.md, from the catalogue. */
export function errorsPage(): string {
  const exits = Object.entries(EXIT).map(([name, exit]) => [
    String(exit),
    MEANING[name as keyof typeof EXIT],
  ]);
  const errors = Object.entries(CATALOGUE).map(([name, { exit, hint }]) => [code(name), String(exit), hint]);
  return page([
    '# Errors',
    'Every error has a code, says what was wrong and where, and what to do next. On the command line it goes to stderr; with `--json` as one line `{"schema":"kloros.error/v1","error":{"code","message","where","hint","exit"}}`. A code is never reused.',
    '## Exit codes',
    markdownTable(['Exit code', 'Means'], exits),
    '## Codes',
    'The next step may be told more precisely by the error itself.',
    markdownTable(['Code', 'Exit code', 'What to do next'], errors),
  ]);
}

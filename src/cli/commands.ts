import type { Command } from 'commander';
import { initCommand } from './init.ts';
import { killCommand, reviveCommand } from './kill.ts';
import { disableCommand, enableCommand, observeCommand } from './mode.ts';
import { runCommand } from './run.ts';
import { statusCommand } from './status.ts';
import { tickCommand } from './tick.ts';

/** Every command, in the order of the help: one file each. What a command works with it imports when it runs. */
export const COMMANDS: readonly (() => Command)[] = [
  initCommand,
  statusCommand,
  tickCommand,
  runCommand,
  enableCommand,
  observeCommand,
  disableCommand,
  killCommand,
  reviveCommand,
];

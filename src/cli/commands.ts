import type { Command } from 'commander';
import { askTellCommand } from './ask-tell.ts';
import { baselineCommand } from './baseline.ts';
import { completionCommand } from './completion.ts';
import { configCommand } from './config.ts';
import { doctorCommand } from './doctor.ts';
import { dreamCommand } from './dream.ts';
import { escrowCommand } from './escrow.ts';
import { heuristicsCommand } from './heuristics.ts';
import { initCommand } from './init.ts';
import { intentsCommand } from './intents.ts';
import { killCommand, reviveCommand } from './kill.ts';
import { ledgerCommand } from './ledger.ts';
import { logsCommand } from './logs.ts';
import { metricsCommand } from './metrics.ts';
import { disableCommand, enableCommand, observeCommand } from './mode.ts';
import { phaseCommand } from './phase.ts';
import { promotionsCommand } from './promotions.ts';
import { runCommand } from './run.ts';
import { serviceCommand } from './service.ts';
import { statusCommand } from './status.ts';
import { tickCommand } from './tick.ts';
import { whyCommand } from './why.ts';

/** Every command, in the order of the help: one file each. What a command works with it imports when it runs. */
export const COMMANDS: readonly (() => Command)[] = [
  initCommand,
  configCommand,
  doctorCommand,
  statusCommand,
  whyCommand,
  tickCommand,
  runCommand,
  enableCommand,
  observeCommand,
  disableCommand,
  killCommand,
  reviveCommand,
  dreamCommand,
  phaseCommand,
  promotionsCommand,
  escrowCommand,
  baselineCommand,
  intentsCommand,
  heuristicsCommand,
  ledgerCommand,
  logsCommand,
  metricsCommand,
  serviceCommand,
  askTellCommand,
  completionCommand,
];

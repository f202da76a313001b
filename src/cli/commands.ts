import type { Command } from 'commander';

/**
 * Every command by its name, in the order of the help: one file each, loaded when it is called. What a command works
 * with it imports when it runs.
 */
export const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  init: async () => (await import('./init.ts')).initCommand(),
  config: async () => (await import('./config.ts')).configCommand(),
  doctor: async () => (await import('./doctor.ts')).doctorCommand(),
  status: async () => (await import('./status.ts')).statusCommand(),
  why: async () => (await import('./why.ts')).whyCommand(),
  tick: async () => (await import('./tick.ts')).tickCommand(),
  run: async () => (await import('./run.ts')).runCommand(),
  enable: async () => (await import('./mode.ts')).enableCommand(),
  observe: async () => (await import('./mode.ts')).observeCommand(),
  disable: async () => (await import('./mode.ts')).disableCommand(),
  kill: async () => (await import('./kill.ts')).killCommand(),
  revive: async () => (await import('./kill.ts')).reviveCommand(),
  dream: async () => (await import('./dream.ts')).dreamCommand(),
  phase: async () => (await import('./phase.ts')).phaseCommand(),
  promotions: async () => (await import('./promotions.ts')).promotionsCommand(),
  escrow: async () => (await import('./escrow.ts')).escrowCommand(),
  baseline: async () => (await import('./baseline.ts')).baselineCommand(),
  evidence: async () => (await import('./evidence.ts')).evidenceCommand(),
  replay: async () => (await import('./replay.ts')).replayCommand(),
  drill: async () => (await import('./drill.ts')).drillCommand(),
  intents: async () => (await import('./intents.ts')).intentsCommand(),
  heuristics: async () => (await import('./heuristics.ts')).heuristicsCommand(),
  ledger: async () => (await import('./ledger.ts')).ledgerCommand(),
  logs: async () => (await import('./logs.ts')).logsCommand(),
  metrics: async () => (await import('./metrics.ts')).metricsCommand(),
  service: async () => (await import('./service.ts')).serviceCommand(),
  import: async () => (await import('./import.ts')).importCommand(),
  backup: async () => (await import('./backup.ts')).backupCommand(),
  restore: async () => (await import('./backup.ts')).restoreCommand(),
  'ask-tell': async () => (await import('./ask-tell.ts')).askTellCommand(),
  completion: async () => (await import('./completion.ts')).completionCommand(),
};

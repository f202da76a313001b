/**
 * KLoROS as a library: open a home, tick, ask and tell, read the ledger.
 * @example
 * const ctx = await openContext({ home: '.kloros', env: process.env });
 * const { outcome, reason } = await runTick(ctx);
 * await closeContext(ctx);
 * @module
 */

export { currentBaseline, getBaseline, listBaselines } from './baseline/current.ts';
export type { Baseline } from './baseline/types.ts';
export { loadConfig } from './config/load.ts';
export { checkParams, defaultParams, type ParameterProblem, type Params } from './config/parameters.ts';
export type { Config, Experiment, ParameterValue } from './config/schema.ts';
export type { Context } from './context.ts';
export type { Control, Progress, StopReason } from './control.ts';
export { createSearch } from './dream/create-search.ts';
export type {
  Observation,
  Recommendation,
  Search,
  SearchSettings,
  SearchState,
  Suggestion,
} from './dream/sampler.ts';
export { compileSpace, type Space } from './dream/space.ts';
export { CATALOGUE, type ErrorCode, EXIT, type ExitCode, KlorosError } from './errors.ts';
export { approve, reject } from './escrow/decide.ts';
export { listEntries as listEscrow } from './escrow/entries.ts';
export { createHome } from './home/create.ts';
export { initHome } from './home/init.ts';
export { clearKill, type KillState, readKill, setKill } from './home/killswitch.ts';
export { type Mode, readMode, writeMode } from './home/mode.ts';
export { closeContext, type OpenOptions, openContext } from './home/open.ts';
export { submitIntent } from './intent/submit.ts';
export { type MetricValue, readMetrics } from './metrics/counters.ts';
export { readVerdicts } from './phase/records.ts';
export type { CandidateVerdict, Comparison, Verdict } from './phase/types.ts';
export { getPromotion, listPromotions } from './promotion/records.ts';
export { submitPromotion } from './promotion/submit.ts';
export type { Promotion, PromotionState } from './promotion/types.ts';
export { type EventFilter, type LedgerEvent, readEvents, verifyLedger } from './store/ledger.ts';
export { type DaemonOptions, runDaemon } from './tick/daemon.ts';
export { decide } from './tick/decide.ts';
export { runTick } from './tick/run-tick.ts';
export { readStatus, type Status } from './tick/status.ts';
export { takeBack } from './tick/take-back.ts';
export type { Action, Decision, Force, Outcome, Snapshot, TickOptions, TickResult } from './tick/types.ts';
export { type Why, why } from './tick/why.ts';

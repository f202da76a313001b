import { join } from 'node:path';

/** Where everything stands in a home (design: section 3). All paths are absolute. */
export interface HomePaths {
  readonly root: string;
  readonly database: string;
  /** The validated configuration as JSON: may be deleted at any time. */
  readonly configCache: string;
  readonly mode: string;
  readonly killswitch: string;
  readonly locks: string;
  readonly intents: string;
  readonly promotions: string;
  readonly promotionAcks: string;
  readonly processed: string;
  readonly processedIntents: string;
  readonly epochsLedger: string;
  readonly signals: string;
  readonly baseline: string;
  readonly baselineFile: string;
  readonly baselineManifest: string;
  readonly baselineVersions: string;
  readonly phase: string;
  readonly scratch: string;
  readonly logs: string;
  readonly structuredLog: string;
}

export function homePaths(root: string): HomePaths {
  const at = (...parts: string[]) => join(root, ...parts);
  return {
    root,
    database: at('kloros.db'),
    configCache: at('config.cache.json'),
    mode: at('mode'),
    killswitch: at('killswitch'),
    locks: at('locks'),
    intents: at('intents'),
    promotions: at('promotions'),
    promotionAcks: at('promotions_ack'),
    processed: at('processed'),
    processedIntents: at('processed', 'intents'),
    epochsLedger: at('processed', 'epochs.jsonl'),
    signals: at('signals'),
    baseline: at('baseline'),
    baselineFile: at('baseline', 'baseline.yaml'),
    baselineManifest: at('baseline', 'manifest.json'),
    baselineVersions: at('baseline', 'versions'),
    phase: at('phase'),
    scratch: at('scratch'),
    logs: at('logs'),
    structuredLog: at('logs', 'structured.jsonl'),
  };
}

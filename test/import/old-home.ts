import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/** A home of the first system, as its programs wrote it. */
export interface OldFixture {
  readonly root: string;
  write(path: string, content: unknown): void;
}

export function oldHome(): OldFixture {
  const root = mkdtempSync(join(tmpdir(), 'kloros-first-'));
  const write = (path: string, content: unknown) => {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    writeFileSync(join(root, path), typeof content === 'string' ? content : JSON.stringify(content));
  };
  const promotions = 'artifacts/dream/promotions';
  write(`${promotions}/answered.json`, v0('demo:1761000000', { cache: 64 }));
  write(`${promotions}/waiting.json`, {
    schema: 'v1',
    id: 'waiting',
    timestamp: 1_761_000_000,
    fitness: 0.9,
    changes: { cache: 128 },
  });
  write(`${promotions}/nan.json`, {
    schema: 'v1',
    id: 'wild',
    timestamp: 1_761_000_000,
    fitness: 0.9,
    changes: { cache: 1e9 },
  });
  write('artifacts/dream/promotions_ack/demo_1761000000.ack.json', {
    promotion_id: 'demo:1761000000',
    applied_at: 1_761_000_100,
    status: 'applied',
    changes: {},
  });
  write(
    '.kloros/processed/epochs.jsonl',
    '{"epoch_id": "phase_cycle_20251027_030000", "date": "2025-10-27", "ts": 1761548400}\n{"epoch_id": "phase_cycle_20251028_030000", "date": "2025-10-28", "ts": 1761634800}\n',
  );
  const report = join(root, 'report.jsonl');
  write('report.jsonl', '{}\n');
  write('.kloros/signals/klr_phase_complete_e1.json', {
    epoch_id: 'e1',
    ts: 1,
    report,
    sha256: sha256('{}\n'),
  });
  write('.kloros/intents/1_trigger_dream_ab.json', {
    intent_type: 'trigger_dream',
    priority: 7,
    reason: 'x',
    data: {},
    generated_at: 1,
  });
  write('.kloros/escrow/escrow-0123456789ab.json', { schema: 'escrow.entry/v1', status: 'pending_review' });
  write(
    '.kloros_env',
    'KLR_ORCHESTRATION_MODE=enabled\nexport KLR_MAX_INTENT_QUEUE="50"\nCACHE_SIZE=64\nSECRET=hunter2\nKLR_TOKEN=s3cret\n',
  );
  let previous: string | null = null;
  for (const version of [1, 2, 3]) {
    const digits = String(version).padStart(4, '0');
    const content = `cache: ${version}\n`;
    write(`system/baseline/versions/baseline_v${digits}.yaml`, content);
    write(`system/baseline/versions/manifest_v${digits}.json`, {
      version,
      sha256: sha256(content),
      previous_sha: previous,
      ts: version,
      actor: 'kloros-orchestrator',
      promotion_ids: [],
    });
    previous = sha256(content);
  }
  return { root, write };
}

/** A promotion as the first system's producer wrote it. */
const v0 = (id: string, params: object) => ({
  experiment: 'demo',
  promotion_id: id,
  updated_at: 1_761_000_000,
  winner: { fitness: 0.8, params, metrics: {} },
  apply_map: { cache: 'CACHE_SIZE' },
  ttl_seconds: 604_800,
});

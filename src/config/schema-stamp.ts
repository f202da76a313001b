/** SHA-256 of kloros.schema.json, written by scripts/write-schema.ts: a check under another schema is another check. */
export const SCHEMA_STAMP = '56615b224bd47cd07910d358e95023edaa4833834f3d0c7a7070db80e77a5ebd';

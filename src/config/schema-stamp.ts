/** SHA-256 of kloros.schema.json, written by scripts/write-schema.ts: a check under another schema is another check. */
export const SCHEMA_STAMP = '486185bbb41cc0e1f1d2ff88118a1697b2da13825bfcf0be67a53206d29506e0';

/** SHA-256 of kloros.schema.json, written by scripts/write-schema.ts: a check under another schema is another check. */
export const SCHEMA_STAMP = '352da45a08cd975dad399a249e8414528cf9a1ac1d75da9cd06cff888778e9bb';

/** SHA-256 of kloros.schema.json, written by scripts/write-schema.ts: a check under another schema is another check. */
export const SCHEMA_STAMP = '07da47260eb8e9b0f092ae731f441dd5b0b26dc48e04f9c69e3ae1cd5e8d5ed0';

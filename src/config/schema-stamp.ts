/** SHA-256 of kloros.schema.json, written by scripts/write-schema.ts: a check under another schema is another check. */
export const SCHEMA_STAMP = 'ef0075b8e5363112590bfbe0f93068ae1fb6dd8c438c5ddbd46046d8d26e48cd';

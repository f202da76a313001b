/** SHA-256 of kloros.schema.json, written by scripts/write-schema.ts: a check under another schema is another check. */
export const SCHEMA_STAMP = '845c5f6607b38093be393332dfead6092120aa886b50b0a3546788c34f1608aa';

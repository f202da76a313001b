/** SHA-256 of kloros.schema.json, written by scripts/write-schema.ts: a check under another schema is another check. */
export const SCHEMA_STAMP = '2e7acf00558219712089b26cea4ca3cf0f51b47e565aebf2c163e76fe3ae4aee';

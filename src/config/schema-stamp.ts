/** SHA-256 of kloros.schema.json, written by scripts/write-schema.ts: a check under another schema is another check. */
export const SCHEMA_STAMP = '3c300736caf1591e77cb3db127d9aa081dd2ca71c7819d39eb703b01456fdd84';

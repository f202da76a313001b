/** What several parts of the schema share. */
import { z } from 'zod';

export const name = z
  .string()
  .regex(
    /^[a-zA-Z_][a-zA-Z0-9_-]{0,63}$/,
    'a name (a letter or _, then letters, digits, _ and -, at most 64)',
  );
/** Parameter names are CEL identifiers and environment variables. */
export const parameterName = z
  .string()
  .regex(
    /^[a-zA-Z_][a-zA-Z0-9_]{0,63}$/,
    'a parameter name (a letter or _, then letters, digits and _, at most 64)',
  );
export const command = z
  .array(z.string().min(1), 'a list of the program and its arguments, such as [node, evaluate.mjs]')
  .min(1)
  .describe('program and arguments, run without a shell, in the folder of kloros.yaml');

export type ParameterValue = number | string | boolean;
export const parameterValue = z.union([z.number(), z.string(), z.boolean()]);

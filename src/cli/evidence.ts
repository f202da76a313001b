import { readFileSync, writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { KlorosError } from '../errors.ts';
import type { EvidenceCheck } from '../tick/evidence/verify.ts';
import { versionNumber } from './arguments.ts';
import { outputOf, withHome } from './home.ts';
import { table } from './output.ts';

const EXAMPLES = `
Examples:
  $ kloros evidence show 3 --output evidence-v3.json
  $ kloros evidence verify evidence-v3.json`;

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === 'EEXIST' ? `${file} is there already` : message;
    throw new KlorosError('KLR_E_USAGE', reason, {
      where: file,
      hint: 'Name another file; nothing was written.',
    });
  }
}

function showCommand(): Command {
  return new Command('show')
    .description(
      'change, trials, measurements, verdict, approvals and hashes of a version, in one JSON document',
    )
    .argument('<version>', 'the number of a baseline', versionNumber)
    .option('-o, --output <file>', 'write it there instead of to stdout')
    .addHelpText('after', EXAMPLES)
    .action(async (version: number, options: { output?: string }, command: Command) => {
      await withHome(command, 'read', async (ctx, out) => {
        const { collectEvidence } = await import('../tick/evidence/bundle.ts');
        const evidence = await collectEvidence(ctx, version);
        const text = `${JSON.stringify(evidence, null, 1)}\n`;
        if (options.output === undefined) {
          process.stdout.write(text);
          return;
        }
        write(options.output, text);
        const written = {
          schema: 'kloros.evidence-written/v1',
          file: options.output,
          version,
          sha256: evidence.sha256,
        };
        out.data(written, (w) => `${w.file} proves baseline v${w.version}\nSHA-256 ${w.sha256}`);
      });
    });
}

function read(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new KlorosError('KLR_E_EVIDENCE_CHANGED', `${file}: ${(error as Error).message}`, { where: file });
  }
}

const checksTable = (checks: readonly EvidenceCheck[]) =>
  table(
    ['HOLDS', 'CHECK', 'FOUND'],
    checks.map(({ ok, check, found }) => [ok ? 'yes' : 'NO', check, found]),
  );

function verifyCommand(): Command {
  return new Command('verify')
    .description('check a bundle by itself: no home is needed')
    .argument('<file>')
    .addHelpText('after', '\nExamples:\n  $ kloros evidence verify evidence-v3.json')
    .action(async (file: string, _options, command: Command) => {
      const { verifyEvidence } = await import('../tick/evidence/verify.ts');
      const checks = verifyEvidence(read(file));
      const broken = checks.filter(({ ok }) => !ok);
      outputOf(command).data(
        { schema: 'kloros.evidence-verified/v1', ok: broken.length === 0, checks },
        (v) => checksTable(v.checks),
      );
      if (broken.length > 0)
        throw new KlorosError('KLR_E_EVIDENCE_CHANGED', broken.map(({ found }) => found).join('; '), {
          where: file,
        });
    });
}

export function evidenceCommand(): Command {
  return new Command('evidence')
    .description('all that put a version of the baseline into force, to be checked by anyone')
    .addCommand(showCommand(), { isDefault: true })
    .addCommand(verifyCommand())
    .addHelpText('after', EXAMPLES.replace('evidence show 3 --output', 'evidence 3 >'));
}

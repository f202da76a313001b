import { delimiter, join } from 'node:path';
import { longestStopMs, longestTickMs } from '../service/limits.ts';
import { authorship, chosenIn } from '../service/stamp.ts';
import { unitNames } from '../service/units.ts';
import { type Finding, kloros, type LoopCheck, type Patient } from './types.ts';

interface Installed {
  readonly path: string;
  readonly text: string;
  readonly scope: 'system' | 'user';
  readonly name: string;
}

/** Units of ours, of any name, that work on this home. */
function installed({ fs, paths, unitFolders }: Patient): Installed[] {
  return unitFolders.flatMap((folder, index) => {
    if (!fs.existsSync(folder)) return [];
    const scope = index === 0 ? ('system' as const) : ('user' as const);
    return fs
      .readdirSync(folder)
      .flatMap((file): Installed[] => {
        const name = /^(.+?)(-tick)?\.service$/.exec(file)?.[1];
        const path = join(folder, file);
        if (name === undefined || !fs.lstatSync(path).isFile() || !unitNames(name).includes(file)) return [];
        const text = fs.readFileSync(path, 'utf8');
        const ours = authorship(text) !== 'foreign' && text.includes(`KLOROS_HOME=${paths.root}`);
        return ours ? [{ path, text, scope, name }] : [];
      })
      .filter(({ path }) => !path.includes('-failure@'));
  });
}

const setting = (text: string, name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(text)?.[1] ?? '';

/** Installed units are as they were written, and as the configuration of today wants them. */
export const checkUnits: LoopCheck = (patient, { ctx }) => {
  const { fs, env } = patient;
  return installed(patient).flatMap(({ path, text, scope, name }): Finding[] => {
    const install = kloros(
      patient,
      `service install${scope === 'user' ? ' --user' : ''}${name === 'kloros' ? '' : ` --name ${name}`}`,
    );
    if (authorship(text) === 'edited')
      return [
        {
          code: 'service.edited',
          level: 'warning',
          what: `${path} was edited by hand`,
          mend: `${install} --force`,
        },
      ];
    const findings: Finding[] = [];
    const limits = [
      ['TimeoutStartSec', longestTickMs(ctx.config)],
      ['TimeoutStopSec', longestStopMs(ctx.config)],
    ] as const;
    for (const [limit, ms] of limits) {
      const seconds = Number(setting(text, limit) || Number.POSITIVE_INFINITY);
      if (seconds * 1000 >= ms) continue;
      const what = `${path}: ${limit}=${seconds} would end what kloros.yaml allows ${Math.ceil(ms / 1000)} s`;
      findings.push({ code: 'service.limit', level: 'error', what, mend: install });
    }
    const [program = ''] = setting(text, 'ExecStart').split(' ');
    if (program.startsWith('/') && !fs.existsSync(program))
      findings.push({
        code: 'service.program',
        level: 'error',
        what: `${path} starts ${program}, which is gone`,
        mend: install,
      });
    const folders = (env.PATH ?? '/usr/bin').split(delimiter);
    if (
      setting(text, 'Type') === 'notify' &&
      !folders.some((folder) => fs.existsSync(join(folder, 'systemd-notify')))
    )
      findings.push({
        code: 'service.notify',
        level: 'error',
        what: `${path} waits for a message, and there is no systemd-notify to send it`,
        mend: `${install} --mode timer`,
      });
    return findings;
  });
};

/** The port that the daemon is to serve metrics on is free, or the daemon's. */
export const checkPort: LoopCheck = async (patient) => {
  const { lockIsHeld } = await import('../lock/acquire.ts');
  const { parseListen } = await import('../server/listen-address.ts');
  if (lockIsHeld(patient.paths, 'daemon', patient.fs)) return [];
  const findings: Finding[] = [];
  for (const { path, text } of installed(patient)) {
    const listen = chosenIn(text)?.listen;
    if (!listen) continue;
    const { host, port } = parseListen(listen);
    const why = await refusal(host, port);
    if (why === null) continue;
    const what = `${path} listens on ${listen}: ${why}`;
    const mend = `ss --listening --tcp --processes 'sport = :${port}'`;
    findings.push({ code: 'service.port', level: 'error', what, mend });
  }
  return findings;
};

/** Why nothing can listen there, or null. */
async function refusal(host: string, port: number): Promise<string | null> {
  const { createServer } = await import('node:net');
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen(port, host, () => server.close(() => resolve(null)));
  });
}

/** What doctor says of the timer: when it elapses next, as systemd-analyze calendar tells it. */
export async function nextTick(patient: Patient): Promise<string | null> {
  const { nextElapse } = await import('../service/systemctl.ts');
  const { fs } = patient;
  const timers = installed(patient).map(({ path }) => path.replace(/\.service$/, '.timer'));
  const timer = timers.find((path) => fs.existsSync(path));
  return timer === undefined ? null : nextElapse(setting(fs.readFileSync(timer, 'utf8'), 'OnCalendar'));
}

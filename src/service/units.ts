import { calendarFor } from './calendar.ts';
import { assignment, commandLine } from './quote.ts';
import { sandbox } from './sandbox.ts';
import { stamped } from './stamp.ts';
import type { ServiceMode, ServiceSettings, Unit } from './types.ts';

/** The daemon tells that it lives three times within this, s. */
const WATCHDOG_S = 180;

const seconds = (ms: number) => Math.ceil(ms / 1000);

const section = (name: string, lines: readonly string[]) => `[${name}]\n${lines.join('\n')}\n`;

/** What every service of ours runs with. */
function common(s: ServiceSettings): string[] {
  return [
    `Environment=${assignment('KLOROS_HOME', s.home)}`,
    // Compiled code outlives the private /tmp of each tick: a start takes a fraction of the time.
    `CacheDirectory=${s.name}`,
    `Environment=NODE_COMPILE_CACHE=%C/${s.name}`,
    ...sandbox(s),
  ];
}

/** How a service that ticks ends: disabled, killed and locked are no failures; children are ended by their tick. */
function ending(s: ServiceSettings): string[] {
  return [
    'SuccessExitStatus=2 3 4',
    'KillMode=mixed',
    `TimeoutStopSec=${seconds(s.stopMs)}`,
    // A trial that the kernel ends for its memory is a failed trial, not a failed tick.
    'OOMPolicy=continue',
  ];
}

function tickService(s: ServiceSettings): Unit {
  const text = [
    section('Unit', [
      'Description=KLoROS: one tick of the tuning loop',
      `OnFailure=${s.name}-failure@%N.service`,
    ]),
    section('Service', [
      'Type=oneshot',
      `ExecStart=${commandLine([...s.program, 'tick', '--quiet'])}`,
      `# The longest epoch or cycle of kloros.yaml, and slack: \`${s.name} service install\` again after a change.`,
      `TimeoutStartSec=${seconds(s.longestTickMs)}`,
      ...ending(s),
      ...common(s),
    ]),
  ].join('\n');
  return stamped(`${s.name}-tick.service`, text, s.chosen);
}

function tickTimer(s: ServiceSettings): Unit {
  const text = [
    section('Unit', ['Description=KLoROS: ticks of the tuning loop']),
    section('Timer', [
      `OnCalendar=${calendarFor(s.intervalMs)}`,
      'AccuracySec=1s',
      'Persistent=true',
      `Unit=${s.name}-tick.service`,
    ]),
    section('Install', ['WantedBy=timers.target']),
  ].join('\n');
  return stamped(`${s.name}-tick.timer`, text);
}

function daemonService(s: ServiceSettings): Unit {
  const listen = s.chosen.listen === null ? [] : ['--listen', s.chosen.listen];
  const text = [
    section('Unit', [
      'Description=KLoROS: the tuning loop',
      `OnFailure=${s.name}-failure@%N.service`,
      // It is started again for ever.
      'StartLimitIntervalSec=0',
    ]),
    section('Service', [
      'Type=notify',
      // systemd-notify speaks for the daemon: Node.js has no datagram sockets of this family.
      'NotifyAccess=all',
      `ExecStart=${commandLine([...s.program, 'run', ...listen])}`,
      `WatchdogSec=${WATCHDOG_S}`,
      'Restart=on-failure',
      'RestartSec=15',
      '# A mistake in kloros.yaml or in the call does not go away by itself.',
      'RestartPreventExitStatus=64 78',
      ...ending(s),
      ...common(s),
    ]),
    section('Install', [`WantedBy=${s.scope === 'user' ? 'default.target' : 'multi-user.target'}`]),
  ].join('\n');
  return stamped(`${s.name}.service`, text, s.chosen);
}

/** What a failed unit starts: the findings of doctor go to the journal beside the failure. */
function failureService(s: ServiceSettings): Unit {
  const text = [
    section('Unit', ['Description=KLoROS: what is wrong, after %i failed']),
    section('Service', [
      'Type=oneshot',
      `ExecStart=${commandLine([...s.program, 'doctor'])}`,
      'SuccessExitStatus=65 78',
      'TimeoutStartSec=60',
      ...common(s),
    ]),
  ].join('\n');
  return stamped(`${s.name}-failure@.service`, text);
}

/** The units of a service, as files. Pure. */
export function generateUnits(settings: ServiceSettings): Unit[] {
  const ticking =
    settings.chosen.mode === 'daemon'
      ? [daemonService(settings)]
      : [tickService(settings), tickTimer(settings)];
  return [...ticking, failureService(settings)];
}

/** Names of all units that any mode of this service has. */
export function unitNames(name: string): string[] {
  return [`${name}-tick.service`, `${name}-tick.timer`, `${name}.service`, `${name}-failure@.service`];
}

/** The unit that is enabled and started. */
export function mainUnit(name: string, mode: ServiceMode): string {
  return mode === 'daemon' ? `${name}.service` : `${name}-tick.timer`;
}

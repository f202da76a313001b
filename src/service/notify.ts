import { spawn } from 'node:child_process';

/** Tells the service manager how the daemon is (sd_notify(3)). */
export interface Notifier {
  /** The start is over. */
  ready(): void;
  /** The end has begun. */
  stopping(): void;
  /** Ends the signs of life. */
  dispose(): void;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Signs of life within the time of the watchdog: one may be late and one may be lost. */
const SIGNS = 3;

/**
 * Speaks through systemd-notify, which every machine with systemd has: Node.js has no datagram sockets of the family
 * that NOTIFY_SOCKET is of. A message that cannot be sent is not repeated: systemd acts on the silence.
 * @param onTrouble told once when the program is missing or fails
 * @returns null when no service manager asks for it
 */
export function serviceNotifier(env: Environment, onTrouble: (reason: string) => void): Notifier | null {
  if (env.NOTIFY_SOCKET === undefined) return null;
  let troubled = false;
  const trouble = (reason: string) => {
    if (!troubled) onTrouble(reason);
    troubled = true;
  };
  const say = (...messages: string[]) => {
    const child = spawn('systemd-notify', messages, { env, stdio: 'ignore' });
    child.once('error', (error) => trouble(`systemd-notify could not be started: ${error.message}`));
    child.once('exit', (code) => {
      if (code !== 0) trouble(`systemd-notify ended with ${code}`);
    });
  };
  // Microseconds; absent when the unit has no watchdog.
  const watchdogUs = Number(env.WATCHDOG_USEC ?? 0);
  const timer = watchdogUs > 0 ? setInterval(() => say('WATCHDOG=1'), watchdogUs / 1000 / SIGNS) : undefined;
  timer?.unref();
  return {
    ready: () => say('READY=1'),
    stopping: () => say('STOPPING=1'),
    dispose: () => clearInterval(timer),
  };
}

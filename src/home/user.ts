import { userInfo } from 'node:os';

/** The name of the user of this process, by the system and not by the environment; the number where it has none. */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? '?'}`;
  }
}

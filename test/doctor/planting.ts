import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { ExamineOptions } from '../../src/doctor/examine.ts';
import { nodeFileSystem } from '../../src/files/filesystem.ts';
import { generateUnits } from '../../src/service/units.ts';
import { settings } from '../service/settings.ts';
import type { LoopHome } from '../support/loop.ts';

export interface Planted {
  readonly home: LoopHome;
  /** The folder that units are looked for in. */
  readonly units: string;
}

export interface Fault {
  /** The finding by which it is to be told. */
  readonly code: string;
  readonly what: string;
  /** What the mend has to hold. */
  readonly mend: RegExp;
  /** Breaks something; what the examination has to be told beside it. */
  readonly plant: (
    at: Planted,
  ) => Partial<ExamineOptions> | undefined | Promise<Partial<ExamineOptions> | undefined>;
  /** Mended by --fix. */
  readonly fixable?: boolean;
}

export const HOUR = 3_600_000;

export function sql({ home }: Planted, text: string): undefined {
  const db = new DatabaseSync(join(home.home, 'kloros.db'));
  db.exec(text);
  db.close();
}

export function configure({ home }: Planted, from: string | RegExp, to: string): undefined {
  const text = readFileSync(home.configFile, 'utf8');
  if (text.replace(from, to) === text) throw new Error(`the configuration has no ${from}`);
  writeFileSync(home.configFile, text.replace(from, to));
}

/** A file system that tells other facts of itself. */
export function withStatfs(
  facts: Partial<Record<'type' | 'files' | 'ffree', number>>,
): Partial<ExamineOptions> {
  const statfsSync = ((path: string) => ({ ...nodeFileSystem.statfsSync(path), ...facts })) as never;
  return { fs: { ...nodeFileSystem, statfsSync } };
}

export function unit(
  at: Planted,
  over: Parameters<typeof settings>[0],
  make = settings,
  edit = (text: string) => text,
): undefined {
  for (const { name, text } of generateUnits(
    make({ home: at.home.home, program: ['/bin/true', 'x'], ...over }),
  ))
    writeFileSync(join(at.units, name), edit(text));
}

const servers: Server[] = [];
export function closeServers(): void {
  for (const server of servers.splice(0)) server.close();
}

export async function taken(): Promise<number> {
  const server = createServer();
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as { port: number }).port;
}

export const inHome = ({ home }: Planted, ...path: string[]) => join(home.home, ...path);

import { folderList } from './quote.ts';
import type { ServiceSettings } from './types.ts';

/**
 * What a unit may do. Node compiles code as it runs (no MemoryDenyWriteExecute); locks are looked up in /proc/locks (no
 * ProcSubset=pid); evaluators measure over the network (no PrivateNetwork) and may be given a nice level (@resources
 * stays). Everything else is closed.
 */
export function sandbox(settings: ServiceSettings): string[] {
  const { scope, owner, home, writable } = settings;
  return [
    ...(owner ? [`User=${owner.user}`, `Group=${owner.group}`] : []),
    'UMask=0077',
    'NoNewPrivileges=yes',
    'ProtectSystem=strict',
    'ProtectHome=read-only',
    `ReadWritePaths=${folderList([home])}`,
    // What a target's owner removed is no reason not to tick.
    ...writable.map((folder) => `ReadWritePaths=${folderList([folder], '-')}`),
    'PrivateTmp=yes',
    'PrivateDevices=yes',
    'PrivateMounts=yes',
    // A user's systemd can sandbox in a namespace of users alone; in the machine's, files of others keep their owner.
    ...(scope === 'user' ? ['PrivateUsers=yes'] : []),
    'DevicePolicy=closed',
    'ProtectProc=invisible',
    'ProtectClock=yes',
    'ProtectHostname=yes',
    'ProtectKernelTunables=yes',
    'ProtectKernelModules=yes',
    'ProtectKernelLogs=yes',
    'ProtectControlGroups=yes',
    'RestrictNamespaces=yes',
    'RestrictRealtime=yes',
    'RestrictSUIDSGID=yes',
    'RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6',
    'LockPersonality=yes',
    'RemoveIPC=yes',
    'KeyringMode=private',
    'CapabilityBoundingSet=',
    'AmbientCapabilities=',
    'SystemCallArchitectures=native',
    'SystemCallFilter=@system-service',
    'SystemCallFilter=~@privileged',
    // A target's file keeps its group; without a capability nothing else can be given away.
    'SystemCallFilter=@chown',
    'SystemCallErrorNumber=EPERM',
  ];
}

import { chownSync } from 'node:fs';
import { CONFIG_FAULTS } from './faults-of-config.ts';
import { MACHINE_FAULTS } from './faults-of-machine.ts';
import { RECORDS_FAULTS } from './faults-of-records.ts';
import { type Fault, inHome, type Planted } from './planting.ts';

/** Only root can give a file away. */
const FAULTS_OF_ROOT: readonly Fault[] = [
  {
    code: 'home.owner',
    what: 'a file of another user',
    mend: /^chown /,
    plant: (at: Planted) => void chownSync(inHome(at, 'mode'), 1234, 1234),
  },
  {
    code: 'config.owner',
    what: 'a kloros.yaml of another user',
    mend: /^chown /,
    plant: (at: Planted) => void chownSync(at.home.configFile, 1234, 1234),
  },
];

export const FAULTS: readonly Fault[] = [
  ...MACHINE_FAULTS,
  ...CONFIG_FAULTS,
  ...RECORDS_FAULTS,
  ...(process.getuid?.() === 0 ? FAULTS_OF_ROOT : []),
];

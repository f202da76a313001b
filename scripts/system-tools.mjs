// Installs the system programs that the longer suites need, from Debian's packages; says so when it cannot, and fails:
// a suite that quietly skips proves nothing.
import { spawnSync } from 'node:child_process';

/** Program -> Debian package. */
const TOOLS = {
  strace: 'strace',
  'systemd-analyze': 'systemd',
  'systemd-notify': 'systemd',
  perl: 'perl',
  zsh: 'zsh',
  fish: 'fish',
  promtool: 'prometheus',
  prometheus: 'prometheus',
};

const has = (program) => spawnSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' }).status === 0;
const missing = Object.entries(TOOLS).filter(([program]) => !has(program));

if (missing.length > 0) {
  const packages = [...new Set(missing.map(([, name]) => name))];
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  console.error(`installing ${packages.join(', ')}`);
  spawnSync('apt-get', ['update', '-q'], { stdio: ['ignore', 2, 2], env });
  spawnSync('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...packages], {
    stdio: ['ignore', 2, 2],
    env,
  });
}
const absent = Object.keys(TOOLS).filter((program) => !has(program));
for (const program of absent)
  console.error(
    `missing: ${program}. Install it (Debian: apt-get install ${TOOLS[program]}), then run this again.`,
  );
console.log(`tools: ${Object.keys(TOOLS).length - absent.length} present, ${absent.length} missing`);
process.exitCode = absent.length > 0 ? 1 : 0;

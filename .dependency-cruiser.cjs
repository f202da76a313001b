// Imports point down: cli, server -> tick -> the domain folders -> what everything stands on.
const DOMAIN = ['baseline', 'dream', 'escrow', 'heuristics', 'intent', 'phase', 'promotion', 'trial'];
const FOUNDATION = [
  'config',
  'files',
  'home',
  'lock',
  'log',
  'metrics',
  'statistics',
  'store',
  'time',
  'trace',
];
// What an operator does with a whole home: each stands on everything below cli and server, and nothing stands on it.
const OPERATIONS = ['backup', 'doctor', 'drill', 'import', 'service'];
const folders = (names) => `^src/(${names.join('|')})/`;

/** A domain folder knows the others by their types alone: they talk through tick. */
const apart = DOMAIN.map((name) => ({
  name: `${name}-knows-the-others-by-type`,
  severity: 'error',
  from: { path: `^src/${name}/` },
  to: {
    path: folders(DOMAIN.filter((other) => other !== name)),
    pathNot: '^src/[a-z]+/types\\.ts$',
  },
}));

module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'foundation-imports-nothing-above',
      severity: 'error',
      from: { path: folders(FOUNDATION) },
      to: { path: folders([...DOMAIN, ...OPERATIONS, 'tick', 'server', 'cli']) },
    },
    {
      name: 'domain-imports-nothing-above',
      severity: 'error',
      from: { path: folders(DOMAIN) },
      to: { path: folders([...OPERATIONS, 'tick', 'server', 'cli']) },
    },
    {
      name: 'tick-imports-nothing-above',
      severity: 'error',
      from: { path: '^src/tick/' },
      to: { path: folders([...OPERATIONS, 'server', 'cli']) },
    },
    {
      name: 'operations-import-nothing-above',
      severity: 'error',
      from: { path: folders(OPERATIONS) },
      to: { path: folders(['cli']) },
    },
    {
      name: 'cli-and-server-apart',
      severity: 'error',
      from: { path: '^src/server/' },
      to: { path: folders([...OPERATIONS, 'cli']) },
    },
    {
      name: 'source-knows-no-tests',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|bench|examples)/' },
    },
    {
      name: 'no-undeclared-package',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'] },
    },
    ...apart,
  ],
  options: {
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.json'] },
  },
};

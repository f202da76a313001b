import type { PhaseReport } from './report-schema.ts';

type Candidate = PhaseReport['candidates'][number];
type Comparison = Candidate['comparisons'][number];

/** Width of an interval's drawing, in its own units. */
const WIDTH = 260;

const STYLE = `
:root{color-scheme:light dark;--line:#8885;--ok:light-dark(#2a7d3f,#6cc67c);--bad:light-dark(#b3362b,#ff9086);--open:light-dark(#8a5f00,#e3b341)}
body{font:15px/1.5 system-ui,sans-serif;max-width:84rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.2rem;margin-top:2.5rem}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
caption{text-align:left;font-weight:600;padding:.6rem 0 .3rem}
th,td{text-align:left;padding:.25rem .6rem .25rem 0;border-bottom:1px solid var(--line);vertical-align:top}
td.n,th.n{text-align:right}
.accept{color:var(--ok)}.reject,.error{color:var(--bad)}.inconclusive{color:var(--open)}
.scroll{overflow-x:auto}svg{display:block}
`;

/** Everything in a report may come from outside: it is text, never markup. */
function text(value: unknown): string {
  const entities: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return String(value).replace(/[&<>"']/g, (c) => entities[c] ?? c);
}

function percent(share: number | null): string {
  if (share === null) return '–';
  const value = Number((share * 100).toPrecision(3));
  return `${value > 0 ? '+' : ''}${value} %`;
}

const number = (value: number | null): string =>
  value === null ? '–' : String(Number(value.toPrecision(4)));

interface Column<T> {
  readonly title: string;
  /** HTML. */
  readonly cell: (row: T) => string;
  readonly numeric?: boolean;
}

function table<T>(caption: string, columns: readonly Column<T>[], rows: readonly T[]): string {
  const css = (column: Column<T>) => (column.numeric ? ' class="n"' : '');
  const head = columns.map((c) => `<th scope="col"${css(c)}>${text(c.title)}</th>`).join('');
  const body = rows.map(
    (row) => `<tr>${columns.map((c) => `<td${css(c)}>${c.cell(row)}</td>`).join('')}</tr>`,
  );
  return `<div class="scroll"><table><caption>${text(caption)}</caption><thead><tr>${head}</tr></thead><tbody>${body.join('')}</tbody></table></div>`;
}

/** An effect with its limits on a scale from -100 % to +100 %, bent so that any size is shown. */
function interval({ effect, low, high, ok }: Comparison): string {
  const at = (share: number) => (WIDTH / 2) * (1 + share / (0.2 + Math.abs(share)));
  const x1 = at(low ?? Number.MIN_SAFE_INTEGER);
  const x2 = at(high ?? Number.MAX_SAFE_INTEGER);
  const colour = ok ? 'var(--ok)' : 'var(--open)';
  const label = `${percent(effect)}, from ${percent(low)} to ${percent(high)}`;
  return `<svg role="img" aria-label="${text(label)}" width="${WIDTH}" height="16" viewBox="0 0 ${WIDTH} 16"><line x1="${WIDTH / 2}" x2="${WIDTH / 2}" y1="0" y2="16" stroke="var(--line)"/><line x1="${x1.toFixed(1)}" x2="${x2.toFixed(1)}" y1="8" y2="8" stroke="${colour}" stroke-width="2"/><circle cx="${at(effect).toFixed(1)}" cy="8" r="4" fill="${colour}"/></svg>`;
}

const word = (verdict: string) => `<strong class="${text(verdict)}">${text(verdict)}</strong>`;

function summary(report: PhaseReport): string {
  if (report.candidates.length === 0) return '<p>The baseline was measured alone.</p>';
  return table<Candidate>(
    'Verdicts',
    [
      { title: 'Promotion', cell: (c) => text(c.promotion_id) },
      { title: 'Verdict', cell: (c) => word(c.verdict) },
      { title: 'Gain, shrunken', cell: (c) => percent(c.gain), numeric: true },
      { title: 'From', cell: (c) => percent(c.low), numeric: true },
      { title: 'To', cell: (c) => percent(c.high), numeric: true },
      { title: 'The search said', cell: (c) => percent(c.search_score), numeric: true },
      { title: 'Why', cell: (c) => text(c.reason) },
    ],
    report.candidates,
  );
}

function details(candidate: Candidate): string {
  const params = Object.entries(candidate.params).map(([name, value]) => `${text(name)} = ${text(value)}`);
  const columns: Column<Comparison>[] = [
    { title: 'Domain', cell: (c) => (c.domain === '*' ? 'all' : text(c.domain)) },
    { title: 'Metric', cell: (c) => text(c.metric) },
    { title: 'Role', cell: (c) => text(c.against === 'limit' ? `${c.role}, limit` : c.role) },
    { title: 'Effect and interval', cell: interval },
    { title: 'Effect', cell: (c) => percent(c.effect), numeric: true },
    { title: 'From', cell: (c) => percent(c.low), numeric: true },
    { title: 'To', cell: (c) => percent(c.high), numeric: true },
    { title: 'p', cell: (c) => number(c.p_value), numeric: true },
    { title: 'Pairs', cell: (c) => text(c.pairs), numeric: true },
    { title: 'Baseline', cell: (c) => number(c.baseline_mean), numeric: true },
    { title: 'Candidate', cell: (c) => number(c.candidate_mean), numeric: true },
    { title: 'Shown', cell: (c) => (c.ok ? 'yes' : 'no') },
  ];
  return `<h2>${text(candidate.promotion_id)}: ${word(candidate.verdict)}</h2><p>${text(candidate.reason)}</p><p>${params.join(', ')}. An effect of ${percent(candidate.detectable)} would show half of the time.</p>${table('Comparisons', columns, candidate.comparisons)}`;
}

function race(report: PhaseReport): string {
  return table<PhaseReport['race'][number]>(
    'The race: each look',
    [
      { title: 'After slice', cell: (l) => text(l.slice + 1), numeric: true },
      { title: 'Promotion', cell: (l) => text(l.promotion_id) },
      { title: 'Standing', cell: (l) => word(l.verdict) },
      { title: 'Gain', cell: (l) => percent(l.gain), numeric: true },
      { title: 'From', cell: (l) => percent(l.low), numeric: true },
      { title: 'To', cell: (l) => percent(l.high), numeric: true },
      { title: 'p', cell: (l) => number(l.p_value), numeric: true },
    ],
    report.race,
  );
}

function machine(report: PhaseReport): string {
  const calibration = table<PhaseReport['calibration'][number]>(
    'The baseline against itself',
    [
      { title: 'Experiment', cell: (c) => text(c.experiment) },
      { title: 'Metric', cell: (c) => text(c.metric) },
      { title: 'Pairs', cell: (c) => text(c.pairs), numeric: true },
      { title: 'Difference', cell: (c) => percent(c.effect), numeric: true },
      { title: 'p', cell: (c) => number(c.p_value), numeric: true },
      { title: 'Smallest gain that shows', cell: (c) => percent(c.detectable), numeric: true },
      { title: 'False positive', cell: (c) => (c.false_positive ? 'yes' : 'no') },
    ],
    report.calibration,
  );
  const baseline = table<PhaseReport['baseline'][number]>(
    `Baseline v${report.baseline_version}`,
    [
      { title: 'Experiment', cell: (l) => text(l.experiment) },
      { title: 'Domain', cell: (l) => text(l.domain) },
      { title: 'Metric', cell: (l) => text(l.metric) },
      { title: 'Mean', cell: (l) => number(l.mean), numeric: true },
      { title: 'Standard deviation', cell: (l) => number(l.standard_deviation), numeric: true },
      { title: 'Measured', cell: (l) => text(l.n), numeric: true },
    ],
    report.baseline,
  );
  const environment = table<[string, string]>(
    'Environment',
    [
      { title: 'What', cell: ([name]) => text(name) },
      { title: 'Value', cell: ([, value]) => text(value) },
    ],
    Object.entries(report.environment),
  );
  return `<h2>Noise, baseline, environment</h2>${calibration}${baseline}${environment}`;
}

/** The report for a person: one file, no script, nothing from elsewhere. The numbers are those of report.json. */
export function reportHtml(report: PhaseReport): string {
  const title = `PHASE ${report.date}: ${report.epoch_id}`;
  const time = (ms: number) => new Date(ms).toISOString().slice(0, 16).replace('T', ' ');
  const facts = `${time(report.started_at)} to ${time(report.ended_at)} UTC, ${Math.round(report.elapsed_ms / 1000)} s, ${report.trials.total} trials (${report.trials.failed} failed), error of all acceptances together at most ${percent(report.alpha).slice(1)}; ${report.reason}`;
  const csp = `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`;
  return `<!doctype html><html lang="en"><head><meta charset="utf-8">${csp}<meta name="viewport" content="width=device-width"><title>${text(title)}</title><style>${STYLE}</style></head><body><main><h1>${text(title)}</h1><p>${text(facts)}.</p>${summary(report)}${report.candidates.map(details).join('')}<h2>How it went</h2>${race(report)}${machine(report)}</main></body></html>\n`;
}

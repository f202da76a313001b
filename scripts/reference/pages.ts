import { cliPage } from './cli-page.ts';
import { configPage } from './config-page.ts';
import { errorsPage } from './errors-page.ts';
import { manPage } from './man-page.ts';
import { metricsPage } from './metrics-page.ts';

/** The generated pages, their paths relative to the repository. */
export async function referencePages(): Promise<{ readonly path: string; readonly text: string }[]> {
  return [
    { path: 'docs/reference/cli.md', text: await cliPage() },
    { path: 'docs/reference/config.md', text: configPage() },
    { path: 'docs/reference/errors.md', text: errorsPage() },
    { path: 'docs/reference/metrics.md', text: metricsPage() },
    { path: 'man/kloros.1', text: await manPage() },
  ];
}

import { cliPage } from './cli-page.ts';
import { configPage } from './config-page.ts';
import { errorsPage } from './errors-page.ts';

/** The generated pages, their paths relative to the repository. */
export function referencePages(): { readonly path: string; readonly text: string }[] {
  return [
    { path: 'docs/reference/cli.md', text: cliPage() },
    { path: 'docs/reference/config.md', text: configPage() },
    { path: 'docs/reference/errors.md', text: errorsPage() },
  ];
}

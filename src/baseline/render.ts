import type { Params } from '../config/parameters.ts';
import type { ApplyConfig, Experiment } from '../config/schema.ts';
import { cannotRender, type Format, type Settings } from './formats/settings.ts';

const BOM = '\ufeff';

/** Parsers are loaded when a file of their format is written: not by an idle tick. */
async function formatOf(name: Exclude<ApplyConfig['format'], 'template'>): Promise<Format> {
  switch (name) {
    case 'json':
      return (await import('./formats/json.ts')).renderJson;
    case 'yaml':
      return (await import('./formats/yaml.ts')).renderYaml;
    case 'toml':
      return (await import('./formats/toml.ts')).renderToml;
    case 'ini':
      return (await import('./formats/ini.ts')).renderIni;
    case 'env':
      return (await import('./formats/env.ts')).renderEnv;
  }
}

function settingsOf(
  experiment: Pick<Experiment, 'parameters'>,
  apply: ApplyConfig,
  params: Params,
): Settings {
  const template = apply.format === 'template';
  const entries = Object.entries(experiment.parameters).map(([name, parameter]) => ({
    key: template ? name : (apply.keys[name] ?? name),
    type: parameter.type,
    // A template has a place for each parameter; elsewhere the key of an inactive one is removed.
    value: Object.hasOwn(params, name) ? (params[name] ?? null) : template ? parameter.default : null,
  }));
  return { section: apply.section, entries };
}

/**
 * The text of the target's file with the parameters in it; what else stands there is kept. The same input gives the
 * same text, and rendering again changes nothing.
 * @param current the file as it is; '' when it is not there
 * @param template the template's text, for format template
 * @throws KLR_E_APPLY_FAILED when the file is not of its format, or a value has no form in it
 */
export async function renderTarget(
  experiment: Pick<Experiment, 'parameters'>,
  apply: ApplyConfig,
  params: Params,
  current: string,
  template: string,
): Promise<string> {
  const settings = settingsOf(experiment, apply, params);
  const keys = new Set(settings.entries.map(({ key }) => key));
  if (keys.size < settings.entries.length) throw cannotRender('two parameters have the same key in the file');
  if (apply.format === 'template')
    return (await import('./formats/template.ts')).renderTemplate(template, settings);
  const format = await formatOf(apply.format);
  const bom = current.startsWith(BOM) ? BOM : '';
  return bom + format(current.slice(bom.length), settings);
}

import type { Command, Option } from 'commander';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** One word that may stand at a place of the command line. */
interface Word {
  readonly word: string;
  readonly description: string;
}

/** What can follow a command, by its path without the program's name: '' for the program itself. */
interface Place {
  readonly path: string;
  readonly commands: readonly Word[];
  readonly options: readonly Word[];
  /** Choices of arguments, and of options that take a value, by the option. */
  readonly choices: readonly string[];
  readonly values: readonly {
    readonly option: string;
    readonly takes: 'choices' | 'text';
    readonly choices: readonly string[];
  }[];
}

const firstLine = (text: string) => text.split('\n')[0] ?? '';
const namesOf = (option: Option) => [option.long, option.short].filter((name) => typeof name === 'string');

function placeOf(command: Command, path: string, globals: readonly Option[]): Place {
  const options = [...command.options, ...globals].filter((option) => !option.hidden);
  const valued = options.filter((option) => option.required || option.optional);
  return {
    path,
    commands: command.commands.map((c) => ({ word: c.name(), description: firstLine(c.description()) })),
    options: options.flatMap((o) =>
      namesOf(o).map((word) => ({ word, description: firstLine(o.description) })),
    ),
    choices: command.registeredArguments.flatMap((argument) => argument.argChoices ?? []),
    values: valued.flatMap((o) =>
      namesOf(o).map((option) => ({
        option,
        takes: o.argChoices ? ('choices' as const) : ('text' as const),
        choices: o.argChoices ?? [],
      })),
    ),
  };
}

/** Every place of the tree. */
function placesOf(program: Command): Place[] {
  const visit = (command: Command, path: string): Place[] => [
    placeOf(command, path, path === '' ? [] : program.options),
    ...command.commands.flatMap((child) => visit(child, `${path} ${child.name()}`.trim())),
  ];
  return visit(program, '');
}

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
const wordsOf = (words: readonly Word[]) => words.map(({ word }) => word).join(' ');

/** A shell `case` with the entries of a table. */
function cases(entries: readonly (readonly [string, string])[], assign: string, indent: string): string {
  return entries.map(([key, value]) => `${indent}${quoted(key)}) ${assign}=${quoted(value)} ;;`).join('\n');
}

/** Functions that bash and zsh share: where on the tree the line is, and what may stand there. */
function posixTables(places: readonly Place[]): string {
  const paths = places.filter(({ path }) => path !== '').map(({ path }) => path);
  const offered = places.map(
    (p) => [p.path, [wordsOf(p.commands), ...p.choices].filter(Boolean).join(' ')] as const,
  );
  const options = places.map((p) => [p.path, wordsOf(p.options)] as const);
  const values = places.flatMap((p) =>
    p.values.map(
      (v) => [`${p.path}:${v.option}`, v.takes === 'choices' ? v.choices.join(' ') : '-'] as const,
    ),
  );
  return `# Sets __kloros_place to the command that the words given name so far.
__kloros_find() {
  local word skip=0
  __kloros_place=''
  for word in "$@"; do
    if [ "$skip" = 1 ]; then skip=0; continue; fi
    case "$word" in
      -*) __kloros_values "$word"; [ -n "$__kloros_value" ] && skip=1; continue ;;
    esac
    case "\${__kloros_place:+$__kloros_place }$word" in
${paths.map((path) => `      ${quoted(path)}) __kloros_place=${quoted(path)} ;;`).join('\n')}
    esac
  done
}
# Sets __kloros_value to the values of an option: '-' for free text, '' for none.
__kloros_values() {
  __kloros_value=''
  case "$__kloros_place:$1" in
${cases(values, '__kloros_value', '    ')}
  esac
}
# Sets __kloros_offered to the words that may follow, options when the word begins with a dash.
__kloros_offer() {
  __kloros_offered=''
  case "$1" in
    -*) case "$__kloros_place" in
${cases(options, '__kloros_offered', '        ')}
      esac ;;
    *) case "$__kloros_place" in
${cases(offered, '__kloros_offered', '        ')}
      esac ;;
  esac
}
`;
}

function bashScript(places: readonly Place[]): string {
  return `# bash completion for kloros. Load it with: source <(kloros completion bash)
${posixTables(places)}
_kloros() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous=''
  [ "$COMP_CWORD" -gt 0 ] && previous="\${COMP_WORDS[COMP_CWORD-1]}"
  __kloros_find "\${COMP_WORDS[@]:1:COMP_CWORD-1}"
  __kloros_values "$previous"
  if [ "$__kloros_value" = '-' ]; then
    COMPREPLY=($(compgen -f -- "$current"))
    return
  fi
  if [ -n "$__kloros_value" ]; then
    COMPREPLY=($(compgen -W "$__kloros_value" -- "$current"))
    return
  fi
  __kloros_offer "$current"
  COMPREPLY=($(compgen -W "$__kloros_offered" -- "$current"))
  [ "\${#COMPREPLY[@]}" -eq 0 ] && COMPREPLY=($(compgen -f -- "$current"))
  return 0
}
complete -F _kloros kloros
`;
}

function zshScript(places: readonly Place[]): string {
  return `#compdef kloros
# zsh completion for kloros. Save it as _kloros in a folder of $fpath.
${posixTables(places)}
_kloros() {
  local current="\${words[CURRENT]}" previous="\${words[CURRENT-1]}"
  __kloros_find "\${(@)words[2,CURRENT-1]}"
  __kloros_values "$previous"
  if [ "$__kloros_value" = '-' ]; then
    _files
  elif [ -n "$__kloros_value" ]; then
    compadd -- \${=__kloros_value}
  else
    __kloros_offer "$current"
    compadd -- \${=__kloros_offered} || _files
  fi
}
if [ "$funcstack[1]" = _kloros ]; then _kloros "$@"; else compdef _kloros kloros; fi
`;
}

function fishScript(places: readonly Place[]): string {
  const lines = places.flatMap(({ path, commands, options, choices, values }) => {
    const at = `complete -c kloros -n ${quoted(`__kloros_at ${path}`.trim())}`;
    return [
      ...commands.map((c) => `${at} -f -a ${quoted(c.word)} -d ${quoted(c.description)}`),
      ...choices.map((choice) => `${at} -f -a ${quoted(choice)}`),
      ...options.map(({ word, description }) => {
        const value = values.find(({ option }) => option === word);
        const flag = word.startsWith('--') ? `-l ${word.slice(2)}` : `-s ${word.slice(1)}`;
        const takes =
          value === undefined
            ? ''
            : value.takes === 'text'
              ? ' -r'
              : ` -x -a ${quoted(value.choices.join(' '))}`;
        return `${at} ${flag}${takes} -d ${quoted(description)}`;
      }),
    ];
  });
  return `# fish completion for kloros. Save it as ~/.config/fish/completions/kloros.fish.
# True where the words of the line, options aside, name just this command.
function __kloros_at
    set -l place
    for word in (commandline -opc)[2..-1]
        string match -q -- '-*' $word; and continue
        set -l next (string join ' ' $place $word)
        contains -- $next $__kloros_paths; and set place $next
    end
    test "$place" = "$argv"
end
set -g __kloros_paths ${places
    .filter(({ path }) => path !== '')
    .map(({ path }) => quoted(path))
    .join(' ')}
${lines.join('\n')}
`;
}

/** A completion script for the tree below `program`: nothing in it is written by hand. */
export function shellScript(shell: Shell, program: Command): string {
  const places = placesOf(program);
  if (shell === 'bash') return bashScript(places);
  return shell === 'zsh' ? zshScript(places) : fishScript(places);
}

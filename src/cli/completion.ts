import { Argument, Command } from 'commander';
import { SHELLS, type Shell, shellScript } from './completion-scripts.ts';

/** The command at the root of the tree that `command` stands in. */
function rootOf(command: Command): Command {
  return command.parent === null ? command : rootOf(command.parent);
}

export function completionCommand(): Command {
  return new Command('completion')
    .description('a script that completes commands and options, for your shell')
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .addHelpText(
      'after',
      `
Examples:
  $ source <(kloros completion bash)                                    this shell
  $ kloros completion bash > ~/.local/share/bash-completion/completions/kloros
  $ kloros completion zsh > "\${fpath[1]}/_kloros"
  $ kloros completion fish > ~/.config/fish/completions/kloros.fish`,
    )
    .action((shell: Shell, _options, command: Command) => {
      process.stdout.write(shellScript(shell, rootOf(command)));
    });
}

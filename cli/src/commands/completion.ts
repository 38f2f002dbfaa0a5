import type { Command, Option } from "commander";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

interface Words {
  readonly commands: ReadonlyArray<{ readonly name: string; readonly description: string; readonly options: readonly Option[]; readonly inner: readonly string[] }>;
  readonly global: readonly Option[];
}

/** The completion script of a shell, made from the commands themselves. Pure. */
export function completionScript(program: Command, shell: Shell): string {
  const words: Words = {
    commands: program.commands.map((command) => ({
      name: command.name(),
      description: command.description(),
      options: [command, ...command.commands].flatMap((one) => one.options),
      inner: command.commands.map((one) => one.name()),
    })),
    global: program.options,
  };
  if (shell === "bash") return bash(words);
  return shell === "zsh" ? zsh(words) : fish(words);
}

function flags(options: readonly Option[]): string[] {
  return options.flatMap((option) => [option.long, option.short].filter((flag): flag is string => typeof flag === "string"));
}

function bash({ commands, global }: Words): string {
  const cases = commands.map((command) => `    ${command.name}) words="${[...flags(command.options), ...flags(global), ...extra(command)].join(" ")}" ;;`);
  return `# sett completion for bash. Use: source <(sett completion bash)
_sett() {
  local word="\${COMP_WORDS[COMP_CWORD]}" command="" i words
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "\${COMP_WORDS[i]}" in -*) ;; *) command="\${COMP_WORDS[i]}"; break ;; esac
  done
  case "$command" in
    "") words="${[...commands.map((command) => command.name), ...flags(global)].join(" ")}" ;;
${cases.join("\n")}
    *) words="" ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -F _sett sett`;
}

function extra({ name, inner }: Words["commands"][number]): readonly string[] {
  if (name === "completion") return SHELLS;
  return name === "help" ? ["exit-codes"] : inner;
}

function zsh({ commands, global }: Words): string {
  const list = commands.map((command) => `    '${command.name}:${plain(command.description)}'`);
  const cases = commands.map((command) => `    ${command.name}) _values 'option' ${[...flags(command.options), ...flags(global), ...extra(command)].map((word) => `'${word}'`).join(" ")} ;;`);
  return `#compdef sett
# sett completion for zsh. Use: source <(sett completion zsh)
_sett() {
  local -a commands
  commands=(
${list.join("\n")}
  )
  if (( CURRENT == 2 )); then
    _describe 'command' commands
    return
  fi
  case "\${words[2]}" in
${cases.join("\n")}
  esac
}
compdef _sett sett`;
}

function fish({ commands, global }: Words): string {
  const lines = ["# sett completion for fish. Use: sett completion fish | source", "complete -c sett -f"];
  for (const option of global) lines.push(`complete -c sett ${fishOption(option)}`);
  for (const command of commands) {
    lines.push(`complete -c sett -n __fish_use_subcommand -a ${command.name} -d '${plain(command.description)}'`);
    const when = `-n '__fish_seen_subcommand_from ${command.name}'`;
    for (const option of command.options) lines.push(`complete -c sett ${when} ${fishOption(option)}`);
    for (const word of extra(command)) lines.push(`complete -c sett ${when} -a ${word}`);
  }
  return lines.join("\n");
}

function fishOption(option: Option): string {
  const names = [option.long === undefined || option.long === null ? "" : `-l ${option.long.slice(2)}`, option.short === undefined || option.short === null ? "" : `-s ${option.short.slice(1)}`];
  return `${names.filter((name) => name !== "").join(" ")}${option.required ? " -r" : ""} -d '${plain(option.description)}'`;
}

function plain(text: string): string {
  return text.replace(/['\\:]/g, "");
}

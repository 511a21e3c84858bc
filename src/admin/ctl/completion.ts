/** Completion of tcprelayctl for shells, from the table of operations. */
import type { Operation } from '../operations/operation.js'
import { OPERATIONS } from '../operations/operations.js'

export const SHELLS = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof SHELLS)[number]

/** Commands that are no operations. */
const OTHERS = { completion: 'Print the completion of a shell.', help: 'Describe a command.' }

/** `options`: name, letter and help of each, with the name of its value if it has one. */
export type CompletedOptions = Readonly<
  Record<string, { readonly short: string; readonly help: string; readonly value?: string }>
>

export function completionScript(shell: Shell, options: CompletedOptions): string {
  const commands = Object.entries<Operation>(OPERATIONS).map(([name, { doc }]) => [name, doc] as const)
  const all = [...commands, ...Object.entries(OTHERS)]
  return SCRIPTS[shell](all, options)
}

type Script = (commands: readonly (readonly [string, string])[], options: CompletedOptions) => string

const bash: Script = (commands, options) => {
  const names = commands.map(([name]) => name).join(' ')
  const long = Object.keys(options).map((name) => `--${name}`)
  return `# bash completion of tcprelayctl
_tcprelayctl() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" i command=
  COMPREPLY=()
  case "$before" in
    -s|--socket) compopt -o default; return ;;
    completion) COMPREPLY=($(compgen -W '${SHELLS.join(' ')}' -- "$word")); return ;;
  esac
  if [[ $word == -* ]]; then
    COMPREPLY=($(compgen -W '${long.join(' ')}' -- "$word"))
    return
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "\${COMP_WORDS[i]}" in
      -s|--socket) ((i++)) ;;
      -*) ;;
      *) command="\${COMP_WORDS[i]}" ;;
    esac
  done
  if [[ -z $command || $command == help ]]; then
    COMPREPLY=($(compgen -W '${names}' -- "$word"))
  fi
}
complete -F _tcprelayctl tcprelayctl
`
}

const zsh: Script = (commands, options) => {
  const described = commands.map(([name, doc]) => `    ${quoted(`${name}:${doc}`)}\n`).join('')
  const specifications = Object.entries(options).map(([name, { help, short, value }]) => {
    const text = help.replaceAll(/[[\]:]/g, '\\$&')
    const argument = value === undefined ? '' : `:${value}:_files`
    const [letter, long] = [`-${short}`, value === undefined ? `--${name}` : `--${name}=`]
    return `    ${quoted(`(${letter} --${name})`)}{${letter},${long}}${quoted(`[${text}]${argument}`)} \\\n`
  })
  return `#compdef tcprelayctl
_tcprelayctl() {
  local context state line
  local -a commands=(
${described}  )
  _arguments -C \\
${specifications.join('')}    '1:command:->command' '*::argument:->argument'
  case $state in
    command) _describe command commands ;;
    argument)
      case $line[1] in
        completion) _values shell ${SHELLS.join(' ')} ;;
        help) _describe command commands ;;
      esac ;;
  esac
}
if [[ $funcstack[1] == _tcprelayctl ]]; then
  _tcprelayctl "$@"
else
  compdef _tcprelayctl tcprelayctl
fi
`
}

const fish: Script = (commands, options) => {
  const names = commands.map(([name]) => name).join(' ')
  const isFirst = quoted(`not __fish_seen_subcommand_from ${names}`)
  const described = commands.map(
    ([name, doc]) => `complete -c tcprelayctl -n ${isFirst} -a ${name} -d ${quoted(doc)}\n`,
  )
  const specifications = Object.entries(options).map(([name, { help, short, value }]) => {
    const argument = value === undefined ? '' : ' -r -F'
    return `complete -c tcprelayctl -s ${short} -l ${name}${argument} -d ${quoted(help)}\n`
  })
  return `# fish completion of tcprelayctl
complete -c tcprelayctl -f
${described.join('')}${specifications.join('')}complete -c tcprelayctl -n '__fish_seen_subcommand_from completion' -a '${SHELLS.join(' ')}'
complete -c tcprelayctl -n '__fish_seen_subcommand_from help' -a '${names}'
`
}

const SCRIPTS: Readonly<Record<Shell, Script>> = { bash, zsh, fish }

/** In single quotes, as all three shells understand it. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", '’')}'`
}

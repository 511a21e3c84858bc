import { LOAD_CORE, RELAY_CORE } from '../system/cores.js'
import type { Program } from './programs.js'

/** Nothing in a configuration closes a fence of four. */
function fenced(text: string): string {
  return `\`\`\`\`\n${text.trimEnd()}\n\`\`\`\``
}

/** One program, folded to keep the page short. */
function renderProgram({ role, name, workloads, commandLine, files, environment }: Program): string {
  const variables = Object.entries(environment).map(([variable, value]) => `${variable}=${value} `)
  const summary = `${[role, name].filter((part) => part !== '').join(' ')}: ${workloads.join(', ')}`
  return [
    `<details><summary>${summary}</summary>`,
    fenced(`${variables.join('')}${commandLine}`),
    ...Object.entries(files).flatMap(([file, text]) => [`\`${file}\`:`, fenced(text)]),
    '</details>',
  ].join('\n\n')
}

/** Parts of a Markdown document with all started programs. */
export function renderPrograms(programs: readonly Program[]): readonly string[] {
  if (programs.length === 0) return []
  return [
    '## How everything was started',
    `Each program in an empty folder of its own with these files, each measurement on other ports; relays by \`taskset -c ${RELAY_CORE}\` (unless both cores are said to be theirs), all others by \`taskset -c ${LOAD_CORE}\`.`,
    ...programs.map(renderProgram),
  ]
}

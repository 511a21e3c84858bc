import { count } from './number-types.js'
import { block, list, optional, sections } from './row.js'
import { aliasDefinition, environmentChange } from './statement-types.js'
import { commonRows } from './table-common.js'
import { text } from './text-types.js'

export const topBlock = block('top level', 'Outside of all sections.', {
  sections: sections('id', {
    doc:
      'A section: `id = NAME { … }`. The section of the master is named `spawnd`, the one of the relay `tcprelay`, ' +
      'unless the command line says otherwise. Sections with other names are skipped.',
  }),
  aliases: list('alias', aliasDefinition, {
    doc: 'From here on the word NAME, also where a value is expected, stands for the tokens in the braces.',
  }),
  environmentChanges: list('setenv', environmentChange, {
    doc:
      'Sets an environment variable, for quoted text from here on, and for the processes that are started. ' +
      '`IO_POLL_MECHANISM` is obeyed by this program too, see [operations](operations.md#how-reactors-wait).',
  }),
  ...commonRows,
  gcore: optional('gcore', text('PATH'), {
    doc: 'Program that the original ran after a crash; accepted, has no effect.',
  }),
  debugCommand: optional('debug-cmd', text('COMMAND'), {
    doc: 'Command that the original ran after a crash; accepted, has no effect.',
  }),
  cleanupInterval: optional('cleanup interval', count(), {
    doc: 'Accepted for the sake of old files; has no effect.',
  }),
})

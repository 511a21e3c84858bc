/** The directives of the top level, outside of all sections. */
import { count } from './number-types.js'
import { block, list, optional, sections } from './row.js'
import { aliasDefinition, environmentChange } from './statement-types.js'
import { commonRows } from './table-common.js'
import { text } from './text-types.js'

export const topBlock = block('top level', 'Directives outside of all sections.', {
  sections: sections('id', {
    doc:
      'A section: `id = NAME { … }`. Without options on the command line the master reads section `spawnd`, the ' +
      'relay section `tcprelay`. Sections with other names are skipped.',
  }),
  aliases: list('alias', aliasDefinition, {
    doc: 'From here on the word NAME expands to the tokens in braces, also where a value is expected.',
  }),
  environmentChanges: list('setenv', environmentChange, {
    doc:
      'Sets an environment variable for quoted text from here on and for started processes. This program also ' +
      'reads `IO_POLL_MECHANISM`, see [operations](operations.md#how-reactors-wait).',
  }),
  ...commonRows,
  gcore: optional('gcore', text('PATH'), {
    doc: 'Program that the original runs after a crash. Accepted, has no effect.',
  }),
  debugCommand: optional('debug-cmd', text('COMMAND'), {
    doc: 'Command that the original runs after a crash. Accepted, has no effect.',
  }),
  cleanupInterval: optional('cleanup interval', count(), {
    doc: 'Accepted for compatibility; has no effect.',
  }),
})

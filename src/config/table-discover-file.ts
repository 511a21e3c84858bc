/** The directives of the source `file`. */
import { optional } from './row.js'
import { intervalRow } from './table-discover-shared.js'
import { text } from './text-types.js'

export const fileRows = {
  file: optional('file', text('FILE'), {
    doc:
      'Of `file`: a file with the members, as JSON or a line for each; see [discovery](discovery.md#file). It need not exist ' +
      'at the start, and may be replaced or rewritten at any time.',
    defaultText: 'mandatory with `file`',
    isOurs: true,
  }),
  intervalMs: intervalRow,
}

/** The directives that every MAVIS module has, and how a module's block is made from them and its own. */
import type { Script } from '../mavis/script.js'
import type { CommonModuleSettings } from '../mavis/settings.js'
import { caseRow } from './pattern-types.js'
import {
  type Block,
  type Completion,
  completedBlock,
  folded,
  type Rows,
  type Settings,
  value,
} from './row.js'
import { script } from './script.js'
import { choice } from './text-types.js'

const action = choice(['continue', 'reject'])

/** Rows of every MAVIS module. */
export const moduleRows = {
  scriptIn: folded(['script in', 'script'], script, joined, {
    doc:
      'Script that processes a query before the module. `return` answers the query with its current attributes, ' +
      '`skip` passes it to the next module, `continue` and the end of the script pass it to this module. A second ' +
      'script is appended to the first. See [Scripts](#scripts).',
    defaultText: 'no script',
  }),
  scriptInterim: folded('script interim', script, joined, {
    doc: "Script that processes the module's own answer, before `script out`.",
    defaultText: 'no script',
  }),
  scriptOut: folded('script out', script, joined, {
    doc: 'Script that processes every answer on its way back, of this module or of one below it.',
    defaultText: 'no script',
  }),
  onError: value('action error', action, 'reject', {
    doc:
      'Action after an answer with RESULT `ERR`: `reject` ends with this answer, `continue` queries the next ' +
      'module.',
  }),
  onNotFound: value(['action not-found', 'action not found'], action, 'continue', {
    doc:
      'Action after an answer with RESULT `NFD` (not found): `continue` queries the next module, `reject` ends ' +
      'with this answer, or with a rejection if the module has no answer.',
  }),
  regexMatchCase: caseRow,
}

/** First words of the common directives, which end the arguments of a helper's program. */
export const MODULE_WORDS = ['action', 'regex-match-case', 'script']

/** The block of a module: its own rows and the common ones. `make` returns the settings of its own rows. */
export function moduleBlock<const R extends Rows, S extends object>(
  module: string,
  doc: string,
  rows: R,
  make: (given: Settings<R>, completion: Completion) => S | undefined,
): Block<CommonModuleSettings & S> {
  return completedBlock(module, doc, { ...rows, ...moduleRows }, (given, completion) => {
    // The casts separate the rows of both parts again, which were joined in one block.
    const own = make(given as unknown as Settings<R>, completion)
    return own && { ...common(given as unknown as Settings<typeof moduleRows>, completion), ...own }
  })
}

function common(given: Settings<typeof moduleRows>, { name }: Completion): CommonModuleSettings {
  const { onError, onNotFound, position, scriptIn, scriptInterim, scriptOut } = given
  return { name, position, onError, onNotFound, scriptIn, scriptInterim, scriptOut }
}

function joined(scripts: readonly Script[]): Script | undefined {
  return scripts.length === 0 ? undefined : scripts.flat()
}

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

/** What every MAVIS module has. */
export const moduleRows = {
  scriptIn: folded(['script in', 'script'], script, joined, {
    doc:
      'What is done to a question before the module has it. `return` answers it with the attributes as they are, ' +
      '`skip` goes on to the next module, `continue` and the end of the script to this one. A second script goes ' +
      'behind the first. [Scripts](#scripts) have a language of their own.',
    defaultText: 'nothing',
  }),
  scriptInterim: folded('script interim', script, joined, {
    doc: "What is done to the module's own answer, before anybody else looks at it.",
    defaultText: 'nothing',
  }),
  scriptOut: folded('script out', script, joined, {
    doc: 'What is done to an answer on its way back, whichever module has given it.',
    defaultText: 'nothing',
  }),
  onError: value('action error', action, 'reject', {
    doc: 'What an answer with RESULT `ERR` leads to: `reject` leaves it at that, `continue` asks the next module.',
  }),
  onNotFound: value(['action not-found', 'action not found'], action, 'continue', {
    doc:
      'What an answer with RESULT `NFD` (not found) leads to: `continue` asks the next module, `reject` leaves it at ' +
      'that, or makes it a refusal where the module has nothing to say.',
  }),
  regexMatchCase: caseRow,
}

export const MODULE_WORDS = ['action', 'regex-match-case', 'script']

/** The block of a module: its own rows and those that all have. `make`: what is its own of the settings. */
export function moduleBlock<const R extends Rows, S extends object>(
  module: string,
  doc: string,
  rows: R,
  make: (given: Settings<R>, completion: Completion) => S | undefined,
): Block<CommonModuleSettings & S> {
  return completedBlock(module, doc, { ...rows, ...moduleRows }, (given, completion) => {
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

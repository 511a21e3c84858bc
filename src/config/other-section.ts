/** A section of the file that is not the one wanted: it may be chosen by another start, or belong to another program. */
import type { Position } from '../base/problem.js'
import type { Token } from './token.js'

export interface OtherSection {
  readonly id: string
  readonly position: Position
  /** Undefined: nothing in it tells, so it may be of another program. */
  readonly kind: 'master' | 'relay' | undefined
}

/** Both kinds share many words with other programs; only these blocks are theirs alone. */
export function otherSection(name: Token, firstWords: ReadonlySet<string>): OtherSection {
  const isMaster = firstWords.has('listen') || firstWords.has('spawn')
  const kind = isMaster ? 'master' : firstWords.has('remote') ? 'relay' : undefined
  return { id: name.text, position: name.position, kind }
}

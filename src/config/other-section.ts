/** A section of the file that is not selected: another start may select it, or it belongs to another program. */
import type { Position } from '../base/problem.js'
import type { Token } from './token.js'

export interface OtherSection {
  readonly id: string
  readonly position: Position
  /** Undefined: unknown, it may belong to another program. */
  readonly kind: 'master' | 'relay' | undefined
}

/** Classifies a section by its blocks: other programs use the same directives, but not these blocks. */
export function otherSection(name: Token, firstWords: ReadonlySet<string>): OtherSection {
  const isMaster = firstWords.has('listen') || firstWords.has('spawn')
  const kind = isMaster ? 'master' : firstWords.has('remote') ? 'relay' : undefined
  return { id: name.text, position: name.position, kind }
}

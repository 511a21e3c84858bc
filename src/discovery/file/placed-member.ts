/** A member with its place in a file. */
import type { FoundMember } from '../source.js'
import { SourceFailure } from '../source-failure.js'

export interface PlacedMember {
  readonly member: FoundMember
  /** The first line is 1. */
  readonly line: number
}

/** Puts the line before the failure of `read`. */
export function placedAt(line: number, read: () => FoundMember): PlacedMember {
  try {
    return { member: read(), line }
  } catch (error) {
    if (!(error instanceof SourceFailure)) throw error
    throw new SourceFailure(`line ${line}: ${error.message}`)
  }
}

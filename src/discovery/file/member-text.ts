/** The members in a file: JSON, or a line for each. */
import { shownText } from '../json-fields.js'
import { MEMBERS_MAX } from '../json-members.js'
import type { FoundMember } from '../source.js'
import { SourceFailure } from '../source-failure.js'
import { membersInJson } from './members-in-json.js'
import { membersInLines } from './members-in-lines.js'
import type { PlacedMember } from './placed-member.js'

/** `[` may also begin an IPv6 address in a line. */
const JSON_BEGIN = /^\s*(?:\{|\[\s*(?:["{[\]]|$))/

/** Throws a `SourceFailure` that begins with the line of the first error. */
export function readMemberText(text: string): readonly FoundMember[] {
  // More often a file that is being written than the end of all members, which is an empty array or a comment.
  if (text.trim() === '') throw new SourceFailure("the file is empty; '[]' stands for no members")
  const placed = JSON_BEGIN.test(text) ? membersInJson(text) : membersInLines(text)
  if (placed.length > MEMBERS_MAX) throw new SourceFailure(`more than ${MEMBERS_MAX} members`)
  requireUnique(placed)
  return placed.map(({ member }) => member)
}

function requireUnique(placed: readonly PlacedMember[]): void {
  const lines = new Map<string, number>()
  for (const { line, member } of placed) {
    const first = lines.get(member.name)
    if (first !== undefined)
      throw new SourceFailure(
        `line ${line}: the name ${shownText(member.name)} is already that of line ${first}`,
      )
    lines.set(member.name, line)
  }
}

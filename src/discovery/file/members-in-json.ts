/** Members in JSON: an array, or an object whose `members` are one. */
import { arrayAt, objectAt } from '../json-fields.js'
import { readMember } from '../json-members.js'
import { readPlacedJson } from './placed-json.js'
import { type PlacedMember, placedAt } from './placed-member.js'

/** Throws a `SourceFailure` with the line, and with the place in the document where it has one. */
export function membersInJson(text: string): readonly PlacedMember[] {
  const { linesOf, value } = readPlacedJson(text)
  const list = Array.isArray(value) ? value : arrayAt(objectAt(value, 'the document').members, 'members')
  const lines = linesOf.get(list) ?? []
  return list.map((item, i) => placedAt(lines[i] ?? 1, () => readMember(item, `members[${i}]`)))
}

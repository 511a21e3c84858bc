/** Members in lines: `10.0.0.1:8080 weight=10 tier=1 name=a  # a comment`. */
import { shownText } from '../json-fields.js'
import { readMember } from '../json-members.js'
import type { FoundMember } from '../source.js'
import { SourceFailure } from '../source-failure.js'
import { type PlacedMember, placedAt } from './placed-member.js'

const OPTIONS = ['weight', 'tier', 'name'] as const

const OPTION = /^(weight|tier|name)=(.+)$/

/** Throws a `SourceFailure` that begins with the line. */
export function membersInLines(text: string): readonly PlacedMember[] {
  return text.split('\n').flatMap((content, index) => {
    // Only at the beginning of a word: a name may contain the character.
    const words = content.replace(/(^|\s)#.*/s, '').match(/\S+/g)
    return words === null ? [] : [placedAt(index + 1, () => memberOf(words))]
  })
}

function memberOf([place = '', ...options]: readonly string[]): FoundMember {
  const { hosts, port } = readMember(place, 'member')
  const given = new Map<string, string>()
  for (const option of options) {
    const [, key = '', value = ''] = OPTION.exec(option) ?? []
    if (key === '')
      throw new SourceFailure(
        `expected ${OPTIONS.map((o) => `${o}=…`).join(', ')}, but got ${shownText(option)}`,
      )
    if (given.has(key)) throw new SourceFailure(`${key} is given twice`)
    given.set(key, value)
  }
  const fields = {
    address: hosts[0],
    port,
    name: given.get('name'),
    weight: numberIn(given, 'weight'),
    tier: numberIn(given, 'tier'),
  }
  return readMember(fields, 'member')
}

/** Text that is no number is kept, to be refused with its place. */
function numberIn(given: ReadonlyMap<string, string>, key: string): number | string | undefined {
  const text = given.get(key)
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : text
}

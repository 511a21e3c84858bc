/** What a change of members says in the log. */
import type { MemberChanges } from '../../discovery/pool-members.js'

/** More names make a line that nobody reads; system logs cut lines at 2 to 8 kilobytes. */
const NAMES_MAX = 20

/** `members: joined a:80, b:80; left c:80; changed d:80 (weight 5): 3 now`. `count`: members after the change. */
export function changesText({ changed, joined, left }: MemberChanges, count: number): string {
  const parts = [
    part(
      'joined',
      joined.map(({ name }) => name),
    ),
    part('left', left),
    part(
      'changed',
      changed.map(({ name, tier, weight }) => `${name}${details({ tier, weight })}`),
    ),
  ]
  return `members: ${parts.filter((text) => text !== '').join('; ')}: ${count} now`
}

function part(what: string, names: readonly string[]): string {
  if (names.length === 0) return ''
  const rest = names.length - NAMES_MAX
  const listed = names.slice(0, NAMES_MAX).join(', ')
  return rest > 0 ? `${what} ${listed} and ${rest} more` : `${what} ${listed}`
}

function details({
  tier,
  weight,
}: {
  readonly tier: number | undefined
  readonly weight: number | undefined
}): string {
  const texts = [weight === undefined ? '' : `weight ${weight}`, tier === undefined ? '' : `tier ${tier}`]
  const given = texts.filter((text) => text !== '')
  return given.length === 0 ? '' : ` (${given.join(', ')})`
}

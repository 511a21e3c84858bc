/** Checks the `admin` blocks as a whole. */
import type { Problems } from './problems.js'
import type { AdminPlace } from './table-admin.js'
import type { SpawndSettings } from './table-spawnd.js'

const LOOPBACK = /^(127\.|::1$|::ffff:127\.)/

export function checkAdmin({ admin }: Pick<SpawndSettings, 'admin'>, problems: Problems): void {
  const known = new Set<string>()
  for (const place of admin) {
    const text = placeText(place)
    const isFixed = place.kind === 'unix' || place.port !== 0
    if (isFixed && known.has(text))
      problems.error(place.position, `${text} is already used by another 'admin' block`)
    known.add(text)
    if (place.kind === 'tcp' && !LOOPBACK.test(place.host))
      problems.warn(
        place.position,
        `tokens are sent to ${text} without encryption: the network must be trusted`,
      )
  }
}

/** The place as an administrator names it. */
export function placeText(place: AdminPlace): string {
  if (place.kind === 'unix') return place.path
  return place.host.includes(':') ? `[${place.host}]:${place.port}` : `${place.host}:${place.port}`
}

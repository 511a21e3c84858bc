/** Who a client is: the level that belongs to its token. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { AdminLevel } from '../../base/admin-level.js'
import type { AdminToken } from '../../config/token-file.js'

const BEARER = /^Bearer +(\S+) *$/i

export class Tokens {
  /** Of digests of equal length: the time of a comparison says nothing of a token or its length. */
  readonly #key = randomBytes(32)
  readonly #known: readonly (readonly [AdminLevel, Buffer])[]

  constructor(tokens: readonly AdminToken[]) {
    this.#known = tokens.map(({ level, token }) => [level, this.#digest(token)])
  }

  /** `authorization`: the header. Undefined: there is no token, or an unknown one. */
  levelOf(authorization: string | undefined): AdminLevel | undefined {
    const [, token] = BEARER.exec(authorization ?? '') ?? []
    if (token === undefined) return undefined
    const digest = this.#digest(token)
    let found: AdminLevel | undefined
    // All of them, so that the time does not say which one it was.
    for (const [level, known] of this.#known) if (timingSafeEqual(known, digest)) found = level
    return found
  }

  #digest(token: string): Buffer {
    return createHmac('sha256', this.#key).update(token).digest()
  }
}

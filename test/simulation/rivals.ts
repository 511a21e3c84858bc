/** Limits of sessions in a simulated world, and other workers that take places of the same remotes. */
import assert from 'node:assert/strict'
import { NONE } from '../../src/balance/policy.js'
import type { HeadCells } from '../../src/cells/cells.js'
import { NO_LIMIT, queuePlace } from '../../src/cells/layout.js'
import { Places } from '../../src/cells/places.js'
import type { Session } from '../../src/relay/session.js'
import type { Chance } from './chance.js'

const QUEUE_TIMEOUT_MS = 4_000

/** All other workers together are child 1 of the cells; the relay is child 0. */
export class Rivals {
  readonly queueTimeoutMs: number
  /**
   * What the relay's pool knows of the places in use: not always the latest, as another worker may take a place between a
   * look and the attempt to take it.
   */
  readonly seenUse: ArrayLike<number>
  readonly #chance: Chance
  readonly #cells: HeadCells
  readonly #places: Places
  readonly #held: number[] = []
  readonly #remotes: number

  /** `remotes`: how many have a limit. */
  constructor(chance: Chance, cells: HeadCells, remotes: number) {
    this.#chance = chance
    this.#cells = cells
    this.#places = new Places(cells, cells.child(1))
    this.#remotes = remotes
    this.queueTimeoutMs = chance.is(0.5) ? QUEUE_TIMEOUT_MS : Number.POSITIVE_INFINITY
    const isLimited = chance.is(0.5)
    for (let slot = 0; slot < this.#remotes && isLimited; slot++)
      cells.useMax[slot] = chance.is(0.8) ? chance.between(1, 3) : NO_LIMIT
    if (isLimited && chance.is(0.3)) cells.useMax[queuePlace(cells.layout.shape, 0)] = chance.between(0, 2)
    this.seenUse = isLimited && chance.is(0.5) ? staleView(cells.use, chance) : cells.use
  }

  /** Takes or gives back a place, or has a client that waits, for a while. */
  act(nowMs: number): void {
    const since = this.#cells.queuedSinceOf(1)
    const slot = this.#chance.between(0, this.#remotes - 1)
    const roll = this.#chance.next()
    if (roll < 0.3)
      since[0] = since[0] === 0 && this.#chance.is(0.3) ? nowMs - this.#chance.between(0, 50) : 0
    else if (roll < 0.5) {
      if (this.#places.take(slot)) this.#held.push(slot)
    } else {
      const held = this.#held.pop()
      if (held !== undefined) this.#places.giveBack(held)
    }
  }

  leave(): void {
    this.#cells.queuedSinceOf(1).fill(0)
    for (const slot of this.#held.splice(0)) this.#places.giveBack(slot)
  }

  /** The relay connects: no remote has more sessions than it may, and no client has overtaken another one. Returns the session. */
  assertInOrder(fd: number, sessions: readonly Session[]): Session {
    const { use, useMax } = this.#cells
    for (let slot = 0; slot < this.#remotes; slot++) {
      const own = sessions.filter(({ remoteSlot }) => remoteSlot === slot).length
      const held = own + this.#held.filter((other) => other === slot).length
      assert.ok(held <= (use[slot] as number), `remote ${slot} counts ${use[slot]} of ${held} sessions`)
      assert.ok((use[slot] as number) <= (useMax[slot] as number), `remote ${slot} has too many sessions`)
    }
    const one = sessions.find(({ remote }) => remote.fd === fd)
    assert.ok(one !== undefined && one.remoteSlot !== NONE, 'a session that connects has a remote')
    if (one.dialling.hasTried) return one
    const { attemptStartedMs, pool, queuedAtMs } = one.dialling
    const cameMs = queuedAtMs === 0 ? attemptStartedMs : queuedAtMs
    for (const { dialling } of sessions.filter(({ phase }) => phase === 'queued')) {
      if (dialling.pool !== pool) continue
      const isFirst = dialling.hasTried || dialling.queuedAtMs >= cameMs
      assert.ok(isFirst, `a client of ${cameMs} overtakes one of ${dialling.queuedAtMs}`)
    }
    return one
  }
}

/** Sometimes one place less than are in use. */
function staleView(use: Int32Array, chance: Chance): ArrayLike<number> {
  return new Proxy(use, {
    get(target, key) {
      const value = target[Number(key)] as number
      return value > 0 && chance.is(0.1) ? value - 1 : value
    },
  })
}

import type { Loop } from '../../src/reactor/loop.js'
import { DynamicHosts } from '../../src/relay/dynamic-hosts.js'
import type { HostAnswer, HostQuestion } from '../../src/relay/host-answer.js'
import { HostLookups } from '../../src/relay/opening/host-lookups.js'
import { hostsFound } from '../../src/relay/opening/resolving.js'
import type { RelayPool } from '../../src/relay/relay-pools.js'
import type { Session } from '../../src/relay/session.js'
import type { Chance } from './chance.js'
import { ADDRESSES } from './servers.js'

const TIMEOUT_MS = 2_000

/** The last one is not allowed, '' is no server name. */
const NAMES = ['a.test', 'b.test', 'a.test', 'c.example', ''] as const

/** Simulates the head that resolves hosts: each question is answered once, twice, or too late. */
export class FakeHosts {
  readonly hosts: DynamicHosts
  readonly lookups: HostLookups
  readonly #chance: Chance
  readonly #loop: Loop
  readonly #open: HostQuestion[] = []

  /** `port`: of the server that all hosts are. */
  constructor(chance: Chance, loop: Loop, port: number) {
    this.#chance = chance
    this.#loop = loop
    this.lookups = new HostLookups(loop, (asked) => this.#open.push(...asked))
    this.hosts = new DynamicHosts({ names: ['*.test'], port, timeoutMs: TIMEOUT_MS, networks: [] }, 1, 0)
  }

  /** A part of the clients asks for a host, and gets the pool of the dynamic route. */
  choose(session: Session, dynamic: RelayPool, other: RelayPool | undefined): RelayPool | undefined {
    if (!this.#chance.is(0.5)) return other
    const serverName = this.#chance.pick(NAMES)
    session.client.hello = { serverName, alpn: [], versions: [] }
    return dynamic
  }

  /** Answers one of the open questions. False: there is none. */
  settle(): boolean {
    if (this.#open.length === 0) return false
    const question = this.#chance.pick(this.#open)
    const isDoubled = this.#chance.is(0.1)
    if (!isDoubled) this.#open.splice(this.#open.indexOf(question), 1)
    hostsFound(this.lookups, [[question.token, this.#answer()]], this.#loop.nowMs)
    return true
  }

  #answer(): HostAnswer {
    const ttlMs = this.#chance.between(0, 3_000)
    if (this.#chance.is(0.2)) return { addresses: [], reason: 'name-not-resolved', cause: 'ENOTFOUND', ttlMs }
    const addresses = ADDRESSES.slice(0, this.#chance.between(1, ADDRESSES.length))
    return { addresses, reason: undefined, cause: '', ttlMs }
  }
}

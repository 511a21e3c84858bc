import assert from 'node:assert/strict'
import { type HostLiteral, type SocketAddress, withPort } from '../../src/base/address.js'
import { EAGAIN, ECONNREFUSED, ENOENT } from '../../src/kernel/errno.js'
import type { Relay } from '../../src/relay/relay.js'
import { PLAIN_REMOTE } from '../../src/relay/remote-options.js'
import type { RemoteParts } from '../../src/relay/remotes.js'
import { Actor } from './actor.js'
import type { Chance } from './chance.js'
import type { FakeSocket } from './fake-socket.js'

/** How a simulated server answers. */
type Manner = 'answers' | 'answers-at-once' | 'refuses' | 'refuses-at-once' | 'silent' | 'busy'
const MANNERS: readonly Manner[] = [
  'answers',
  'answers',
  'answers-at-once',
  'refuses',
  'refuses-at-once',
  'silent',
  'busy',
]

interface Server {
  /** By the index of the address. */
  readonly manners: readonly Manner[]
  readonly isUnix: boolean
  readonly hasTls: boolean
  /** It expects a PROXY header. */
  readonly isProxied: boolean
}

/** A connection that the server has not accepted or refused yet. */
interface Pending {
  readonly manner: Manner
  readonly client: Actor
  readonly isProxied: boolean
}

const FIRST_PORT = 1000
const DIRECTORY = '/run/'

/** Those of a name with several addresses. */
const ADDRESSES_MAX = 6
export const ADDRESSES: readonly HostLiteral[] = Array.from({ length: ADDRESSES_MAX }, (_, i) => {
  return i % 3 === 1
    ? { family: 'ipv4', host: `10.0.0.${i}` }
    : { family: 'ipv6', host: `fd00::${i}`, scope: '' }
})

/** The remotes of a world: each listens on a port or a Unix path, and treats all connections to an address in one manner. */
export class Servers {
  readonly #chance: Chance
  readonly #bytesMax: number
  readonly #servers: readonly Server[]
  readonly #pending = new Map<FakeSocket, Pending>()
  readonly #actors: Actor[] = []

  /** `unixShare`: how many of them have a Unix path. */
  constructor(chance: Chance, bytesMax: number, unixShare: number) {
    this.#chance = chance
    this.#bytesMax = bytesMax
    this.#servers = Array.from({ length: chance.between(1, 4) }, () => {
      const isUnix = chance.is(unixShare)
      const addresses = !isUnix && chance.is(0.4) ? chance.between(2, ADDRESSES_MAX) : 1
      const manners = Array.from({ length: addresses }, () => chance.pick(MANNERS))
      const hasTls = chance.is(isUnix ? 0.5 : addresses > 1 ? 0.3 : 0.1)
      return { manners, isUnix, hasTls, isProxied: chance.is(0.3) }
    })
  }

  /** One for each connection that was accepted. */
  get actors(): readonly Actor[] {
    return this.#actors
  }

  /** By remote slot. */
  get hasTls(): readonly boolean[] {
    return this.#servers.map(({ hasTls }) => hasTls)
  }

  /** A port that speaks plain TCP, for hosts of dynamic routes; undefined: there is none. */
  get plainPort(): number | undefined {
    const slot = this.#servers.findIndex(({ hasTls, isProxied, isUnix }) => !hasTls && !isProxied && !isUnix)
    return slot < 0 ? undefined : FIRST_PORT + slot
  }

  get remotes(): readonly RemoteParts[] {
    return this.#servers.map(({ isProxied, isUnix, manners }, slot) => ({
      name: `${manners}-${slot}`,
      options: { ...PLAIN_REMOTE, sendProxy: isProxied ? { version: 'v1', tlvs: [] } : undefined },
      addresses: isUnix
        ? [{ family: 'unix', path: `${DIRECTORY}${slot}` }]
        : ADDRESSES.slice(0, manners.length).map((address) => withPort(address, FIRST_PORT + slot)),
    }))
  }

  get pending(): readonly string[] {
    return [...this.#pending.values()].map(({ manner }) => manner)
  }

  /** The relay connects for `client`; returns like connect(2). */
  connect(socket: FakeSocket, address: SocketAddress, client: Actor): number {
    const { isProxied, isUnix, manners } = this.#servers[slotOf(address)] as Server
    const manner = manners[indexOf(address) % manners.length] as Manner
    client.forgetClosed()
    if (manner === 'refuses-at-once') return -ECONNREFUSED
    // A full backlog, or no local port.
    if (manner === 'busy' && this.#chance.is(0.8)) return -EAGAIN
    // A connection in a backlog counts as connected: it has no timeout.
    if (manner === 'silent' && isUnix) return -ENOENT
    const outcome = socket.connect()
    // It is connected before the server accepts it, so an attempt that has reached another server has lost.
    if (isUnix) client.others = []
    this.#pending.set(socket, { manner, client, isProxied })
    if (manner !== 'answers-at-once') return outcome
    this.#accept(socket, client, isProxied)
    return 0
  }

  /** A server accepts or refuses a connection; false if it lets it wait. */
  settle(): boolean {
    if (this.#pending.size === 0) return true
    const [socket, { manner, client, isProxied }] = this.#chance.pick([...this.#pending])
    if (manner === 'silent' && !socket.isClosed) return false
    if (manner === 'answers' || manner === 'busy') this.#accept(socket, client, isProxied)
    else {
      this.#pending.delete(socket)
      if (!socket.isClosed) socket.arriveReset(ECONNREFUSED)
    }
    return true
  }

  #accept(socket: FakeSocket, client: Actor, isProxied: boolean): void {
    this.#pending.delete(socket)
    if (socket.isClosed) return
    socket.arriveConnected()
    socket.state = 'open'
    const server = new Actor(client.stream + 1, socket, this.#chance, this.#bytesMax, true)
    if (isProxied) server.header = ''
    server.others.push(client)
    client.others.push(server)
    this.#actors.push(server)
  }
}

function slotOf(address: SocketAddress): number {
  return address.family === 'unix' ? Number(address.path.slice(DIRECTORY.length)) : address.port - FIRST_PORT
}

function indexOf(address: SocketAddress): number {
  return address.family === 'unix' ? 0 : ADDRESSES.findIndex(({ host }) => host === address.host)
}

/** The client of the session that connects with `socket`, by the relay's own records. */
export function clientOf(socket: FakeSocket, relay: Relay, clients: readonly Actor[]): Actor {
  const session = relay.openSessions.find(({ remote }) => remote.fd === socket.fd)
  const client = clients.find(
    (candidate) => candidate.socket.fd === session?.client.fd && !candidate.socket.isClosed,
  )
  assert.ok(client, 'a connection to a remote belongs to a client')
  return client
}

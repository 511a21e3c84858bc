/** Remotes: addresses, session counts, and evidence for the head. */
import { NONE } from '../balance/policy.js'
import { formatHost, type HostAddress, type SocketAddress } from '../base/address.js'
import type { FailAfter } from '../base/fail-after.js'
import type { Cells, ChildCells } from '../cells/cells.js'
import { Places } from '../cells/places.js'
import { unmap } from '../kernel/memory.js'
import type { SctpOptions } from '../kernel/sctp.js'
import { type NativeAddress, nativeAddress, nativeAddresses } from '../kernel/sockaddr.js'
import type { RemoteEvidence } from '../observe/remote-evidence.js'
import { AddressOrder } from './address-order.js'
import { EvidenceReports } from './evidence-reports.js'
import { PLAIN_REMOTE, type RemoteOptions } from './remote-options.js'

/** SCTP options of a remote. */
export interface RemoteSctp extends SctpOptions {
  /** Further addresses of the same association (multihoming). */
  readonly further: readonly HostAddress[]
}

/** The destination port at a remote. */
export type RemotePorts =
  /** The configured port of its addresses. */
  | 'own'
  /** The port that the client connected to. */
  | 'same'
  /** A port by listener slot. */
  | readonly number[]

/** The configuration of a remote. */
export interface RemoteParts {
  readonly name: string
  /** Empty while its name is not resolved. */
  readonly addresses: readonly SocketAddress[]
  /** @default 'own' */
  readonly ports?: RemotePorts
  /** @default PLAIN_REMOTE */
  readonly options?: RemoteOptions
  /** Undefined: TCP, or a Unix socket. */
  readonly sctp?: RemoteSctp | undefined
  /** Under which the head knows its health. @default its name */
  readonly healthName?: string | undefined
  /** As many failures within the time exclude it; undefined: the first one counts, or a health check decides. */
  readonly failAfter?: FailAfter | undefined
  /** It stands for all hosts of a dynamic route, whose sessions bring their addresses. @default false */
  readonly isDynamic?: boolean
}

/** What sessions dial: a remote, or the host of a dynamic route. */
export type DialTarget = Pick<
  Remote,
  'addressAt' | 'addressCount' | 'name' | 'options' | 'order' | 'ports' | 'prefer' | 'sctp'
>

/** A server. Its slot is its position in the configuration and does not change. */
export class Remote {
  /** For logs: its name in the configuration, or that of the member that discovery has put here. */
  name: string
  /** Unless `own`, `targetAddress` writes the port of the current attempt into the address. */
  readonly ports: RemotePorts
  readonly options: RemoteOptions
  /** Undefined: TCP, or a Unix socket. */
  readonly sctp: RemoteSctp | undefined
  /** All addresses, best first; empty while its name cannot be resolved. */
  addresses: readonly NativeAddress[] = []
  /** The addresses without their ports, to recognize them after a change. */
  #hosts: readonly string[] = []
  #order = new AddressOrder([])

  constructor({ addresses, name, options = PLAIN_REMOTE, ports = 'own', sctp }: RemoteParts) {
    this.name = name
    this.ports = ports
    this.options = options
    this.sctp = sctp
    this.replaceAddresses(addresses)
  }

  get addressCount(): number {
    return this.addresses.length
  }

  /** Indices of the addresses, in the order of attempts. */
  get order(): readonly number[] {
    return this.#order.indices
  }

  /** `index` may be of addresses that have been replaced by fewer ones, but by one at least. */
  addressAt(index: number): NativeAddress {
    return this.addresses[index % this.addresses.length] as NativeAddress
  }

  /** The address with this index has answered: tries it first from now on. */
  prefer(index: number): void {
    this.#order.prefer(index)
  }

  /** Replaces the addresses; the preferred one stays preferred if it is among them. */
  replaceAddresses(addresses: readonly SocketAddress[]): void {
    const preferred = this.#preferredHost
    for (const { region } of this.addresses) unmap(region)
    const further = this.sctp?.further ?? []
    this.addresses = addresses.map((address) => {
      if (address.family === 'unix' || further.length === 0) return nativeAddress(address)
      return nativeAddresses([address, ...further])
    })
    this.#hosts = addresses.map(formatHost)
    this.#order = new AddressOrder(addresses.map(({ family }) => family))
    this.#preferHost(preferred)
  }

  /** Takes over the preferred address from the same remote of an older configuration. */
  learnFrom(other: Remote): void {
    this.#preferHost(other.#preferredHost)
  }

  get #preferredHost(): string | undefined {
    return this.#hosts[this.#order.indices[0] as number]
  }

  #preferHost(host: string | undefined): void {
    const index = host === undefined ? 0 : this.#hosts.indexOf(host)
    this.#order.prefer(Math.max(0, index))
  }

  /** Frees native memory; must not be connected to any more. */
  close(): void {
    this.replaceAddresses([])
  }
}

/** The remotes of one reactor and configuration, with their numbers of sessions. */
export class Remotes {
  readonly #list: readonly Remote[]
  readonly #places: Places
  /** By slot of the remote: the place of its pool; undefined: the pool is not limited. */
  readonly #poolPlaces: readonly (number | undefined)[]
  readonly evidence: EvidenceReports

  /**
   * `report` sends evidence that contradicts the verdict to the head. `poolPlaces`: by slot of the remote, the place of
   * its pool if that is limited.
   */
  constructor(
    remotes: readonly RemoteParts[],
    cells: Cells,
    child: ChildCells,
    report: (evidence: RemoteEvidence) => void = () => {},
    poolPlaces: readonly (number | undefined)[] = [],
  ) {
    this.evidence = new EvidenceReports(remotes, cells.verdict, report)
    this.#list = remotes.map((remote) => new Remote(remote))
    this.#places = new Places(cells, child)
    this.#poolPlaces = poolPlaces
  }

  at(slot: number): Remote {
    return this.#list[slot] as Remote
  }

  /** Another member has the slot; `healthName`: under which the head knows its health. */
  rename(slot: number, name: string, healthName: string): void {
    this.at(slot).name = name
    this.evidence.rename(slot, healthName)
  }

  /** By slot: the slot of the remote with the same name in `others`, or NONE. */
  slotsIn(others: Remotes): readonly number[] {
    return this.#list.map(({ name }, slot) => {
      if (name === '') return NONE
      return others.#list[slot]?.name === name ? slot : others.#list.findIndex((other) => other.name === name)
    })
  }

  /** Takes a place of a remote and of its pool for a session; false if one of the two is full. */
  take(slot: number): boolean {
    const pool = this.#poolPlaces[slot]
    if (pool !== undefined && !this.#places.take(pool)) return false
    if (this.#places.take(slot)) return true
    if (pool !== undefined) this.#places.giveBack(pool)
    return false
  }

  giveBack(slot: number): void {
    const pool = this.#poolPlaces[slot]
    this.#places.giveBack(slot)
    if (pool !== undefined) this.#places.giveBack(pool)
  }

  /** A session moves to another worker; its places remain taken. */
  handOver(slot: number): void {
    const pool = this.#poolPlaces[slot]
    this.#places.handOver(slot)
    if (pool !== undefined) this.#places.handOver(pool)
  }

  /** The same, for the worker that receives the session. */
  takeOver(slot: number): void {
    const pool = this.#poolPlaces[slot]
    this.#places.takeOver(slot)
    if (pool !== undefined) this.#places.takeOver(pool)
  }

  /** Frees native memory when no session uses the remotes any more. */
  close(): void {
    for (const remote of this.#list) remote.close()
  }
}

import { NONE } from '../balance/policy.js'
import { formatHost, type HostAddress, type SocketAddress } from '../base/address.js'
import type { Cells, ChildCells } from '../cells/cells.js'
import { unmap } from '../kernel/memory.js'
import type { SctpOptions } from '../kernel/sctp.js'
import { type NativeAddress, nativeAddress, nativeAddresses } from '../kernel/sockaddr.js'
import type { RemoteEvidence } from '../observe/remote-evidence.js'
import { PLAIN_REMOTE, type RemoteOptions } from './remote-options.js'

/** Between two reports of one remote. */
const REPORT_EVERY_MS = 100

/** How a server is spoken to in SCTP. */
export interface RemoteSctp extends SctpOptions {
  /** Addresses that it has beside each of its addresses: one association goes to all of them. */
  readonly further: readonly HostAddress[]
}

/** Which port of a remote a client gets. */
export type RemotePorts =
  /** The one that its addresses have. */
  | 'own'
  /** The one that the client has come to. */
  | 'same'
  /** By the slot of the listener that the client has come to. */
  | readonly number[]

/** What there is to know of a remote. */
export interface RemoteParts {
  readonly name: string
  /** None while its name is not resolved. */
  readonly addresses: readonly SocketAddress[]
  /** @default 'own' */
  readonly ports?: RemotePorts
  /** @default PLAIN_REMOTE */
  readonly options?: RemoteOptions
  /** Undefined: TCP, or a Unix socket. */
  readonly sctp?: RemoteSctp | undefined
}

/** A server that connections go to. Its slot is its place in the configuration and stays. */
export class Remote {
  /** As the configuration names it, for logs. */
  readonly name: string
  /** Where they are not its own, an address has for a port that of the last attempt: `targetAddress` puts it there. */
  readonly ports: RemotePorts
  readonly options: RemoteOptions
  /** Undefined: TCP, or a Unix socket. */
  readonly sctp: RemoteSctp | undefined
  /** Every address of it, best first; none while its name cannot be resolved. */
  addresses: readonly NativeAddress[] = []
  /** The addresses without their ports, which may change. */
  #hosts: readonly string[] = []
  /** Which address is tried first, so that a dead one costs nobody twice. */
  #first = 0

  constructor({ addresses, name, options = PLAIN_REMOTE, ports = 'own', sctp }: RemoteParts) {
    this.name = name
    this.ports = ports
    this.options = options
    this.sctp = sctp
    this.replaceAddresses(addresses)
  }

  /** The address that is tried as the `attempt`-th, counted from 0: the one that answered last comes first. */
  addressAt(attempt: number): NativeAddress {
    return this.addresses[(this.#first + attempt) % this.addresses.length] as NativeAddress
  }

  /** The `attempt`-th address has answered. */
  prefer(attempt: number): void {
    this.#first = (this.#first + attempt) % this.addresses.length
  }

  /** The one that answered last is tried first still, if it is among the new ones. */
  replaceAddresses(addresses: readonly SocketAddress[]): void {
    const preferred = this.#hosts[this.#first]
    for (const { region } of this.addresses) unmap(region)
    const further = this.sctp?.further ?? []
    this.addresses = addresses.map((address) => {
      if (address.family === 'unix' || further.length === 0) return nativeAddress(address)
      return nativeAddresses([address, ...further])
    })
    this.#hosts = addresses.map(formatHost)
    this.#preferHost(preferred)
  }

  /** Goes on with what the same remote of another configuration knows of its addresses. */
  learnFrom(other: Remote): void {
    this.#preferHost(other.#hosts[other.#first])
  }

  #preferHost(host: string | undefined): void {
    this.#first = host === undefined ? 0 : Math.max(0, this.#hosts.indexOf(host))
  }

  /** Gives its native memory back; it is not connected to any more. */
  close(): void {
    this.replaceAddresses([])
  }
}

/** The remotes of one reactor, and how many sessions each has. */
export class Remotes {
  readonly #list: readonly Remote[]
  readonly #useOfAll: Int32Array
  readonly #use: Int32Array
  readonly #verdict: Int32Array
  readonly #report: (evidence: RemoteEvidence) => void
  /** When something was reported of each remote last. */
  readonly #reportedAtMs: Float64Array

  /** `report`: tells the head what sessions see of remotes, as long as it thinks otherwise. */
  constructor(
    remotes: readonly RemoteParts[],
    cells: Cells,
    child: ChildCells,
    report: (evidence: RemoteEvidence) => void = () => {},
  ) {
    this.#verdict = cells.verdict
    this.#report = report
    this.#reportedAtMs = new Float64Array(remotes.length).fill(Number.NEGATIVE_INFINITY)
    this.#list = remotes.map((remote) => new Remote(remote))
    this.#useOfAll = cells.use
    this.#use = child.use
  }

  at(slot: number): Remote {
    return this.#list[slot] as Remote
  }

  /** By the slots of these remotes: the slot that the same remote has in `others`, or NONE. */
  slotsIn(others: Remotes): readonly number[] {
    return this.#list.map(({ name }, slot) => {
      if (name === '') return NONE
      return others.#list[slot]?.name === name ? slot : others.#list.findIndex((other) => other.name === name)
    })
  }

  /** Counts a session. */
  take(slot: number): void {
    Atomics.add(this.#useOfAll, slot, 1)
    this.#use[slot] = (this.#use[slot] as number) + 1
  }

  /** A remote has taken a connection. */
  noteUp(slot: number, startedMs: number, nowMs: number): void {
    if (Atomics.load(this.#verdict, slot) !== 0) this.#reportEvidence(slot, true, startedMs, nowMs, '')
  }

  /** It has not, for what is no fault of this machine. */
  noteDown(slot: number, startedMs: number, nowMs: number, why: string): void {
    if (Atomics.load(this.#verdict, slot) === 0) this.#reportEvidence(slot, false, startedMs, nowMs, why)
  }

  /** Many sessions may see the same before the head has judged. */
  #reportEvidence(slot: number, isUp: boolean, startedMs: number, atMs: number, why: string): void {
    if (atMs - (this.#reportedAtMs[slot] as number) < REPORT_EVERY_MS) return
    this.#reportedAtMs[slot] = atMs
    this.#report({ name: this.at(slot).name, isUp, startedMs, atMs, why })
  }

  /** No session uses them any more. */
  close(): void {
    for (const remote of this.#list) remote.close()
  }

  giveBack(slot: number): void {
    Atomics.sub(this.#useOfAll, slot, 1)
    this.#use[slot] = (this.#use[slot] as number) - 1
  }
}

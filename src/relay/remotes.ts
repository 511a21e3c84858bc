import type { HostAddress, SocketAddress } from '../base/address.js'
import type { Cells, ChildCells } from '../cells/cells.js'
import { unmap } from '../kernel/memory.js'
import type { SctpOptions } from '../kernel/sctp.js'
import { type NativeAddress, nativeAddress, nativeAddresses } from '../kernel/sockaddr.js'
import { PLAIN_REMOTE, type RemoteOptions } from './remote-options.js'

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
  /** Where they are not its own, an address has for a port that of the last attempt: `aim` puts it there. */
  readonly ports: RemotePorts
  readonly options: RemoteOptions
  /** Undefined: TCP, or a Unix socket. */
  readonly sctp: RemoteSctp | undefined
  /** Every address of it, best first; none while its name cannot be resolved. */
  addresses: readonly NativeAddress[] = []
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

  replaceAddresses(addresses: readonly SocketAddress[]): void {
    for (const { region } of this.addresses) unmap(region)
    const further = this.sctp?.further ?? []
    this.addresses = addresses.map((address) => {
      if (address.family === 'unix' || further.length === 0) return nativeAddress(address)
      return nativeAddresses([address, ...further])
    })
    this.#first = 0
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

  constructor(remotes: readonly RemoteParts[], cells: Cells, child: ChildCells) {
    this.#list = remotes.map((remote) => new Remote(remote))
    this.#useOfAll = cells.use
    this.#use = child.use
  }

  at(slot: number): Remote {
    return this.#list[slot] as Remote
  }

  /** Counts a session. */
  take(slot: number): void {
    Atomics.add(this.#useOfAll, slot, 1)
    this.#use[slot] = (this.#use[slot] as number) + 1
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

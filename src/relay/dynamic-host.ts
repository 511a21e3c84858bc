/** A name that a client asked for, with its addresses: what its session dials instead of a configured remote. */
import { type HostLiteral, withPort } from '../base/address.js'
import { unmap } from '../kernel/memory.js'
import { encodeAddress, type NativeAddress, nativeAddress, portIn, setPort } from '../kernel/sockaddr.js'
import { AddressOrder } from './address-order.js'
import { PLAIN_REMOTE } from './remote-options.js'
import type { DialTarget } from './remotes.js'

/** Native memory for the address of one attempt: connect(2) copies it, so that one of each family is enough. */
export class TargetMemory {
  readonly #ipv4 = nativeAddress({ family: 'ipv4', host: '0.0.0.0', port: 0 })
  readonly #ipv6 = nativeAddress({ family: 'ipv6', host: '::', port: 0, scope: '' })

  /** Valid until the next call. */
  write(bytes: Uint8Array): NativeAddress {
    const address = bytes.length === this.#ipv4.byteLength ? this.#ipv4 : this.#ipv6
    address.region.bytes.set(bytes)
    setPort(address, portIn(bytes))
    return address
  }

  close(): void {
    for (const { region } of [this.#ipv4, this.#ipv6]) unmap(region)
  }
}

export class DynamicHost implements DialTarget {
  readonly name: string
  readonly ports: 'own' | 'same'
  readonly options = PLAIN_REMOTE
  readonly sctp = undefined
  readonly #memory: TargetMemory
  readonly #addresses: readonly Uint8Array[]
  readonly #order: AddressOrder

  /** `addresses`: at least one. `port`: 0 for the port that the client connected to. */
  constructor(name: string, addresses: readonly HostLiteral[], port: number, memory: TargetMemory) {
    this.name = name
    this.ports = port === 0 ? 'same' : 'own'
    this.#memory = memory
    this.#addresses = addresses.map((address) => encodeAddress(withPort(address, port)))
    this.#order = new AddressOrder(addresses.map(({ family }) => family))
  }

  get addressCount(): number {
    return this.#addresses.length
  }

  get order(): readonly number[] {
    return this.#order.indices
  }

  addressAt(index: number): NativeAddress {
    return this.#memory.write(this.#addresses[index] as Uint8Array)
  }

  prefer(index: number): void {
    this.#order.prefer(index)
  }
}

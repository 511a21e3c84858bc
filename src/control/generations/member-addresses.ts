/** The addresses of the members of one pool: literals, or those of host names, which are looked up. */
import { parseHostLiteral, type SocketAddress, withPort } from '../../base/address.js'
import type { FoundMember } from '../../discovery/source.js'
import type { NameWatch, Resolver } from '../../services/resolver.js'

/** Names that are resolved within this time are reported together: each report costs all workers something. */
const GATHER_MS = 50

interface Named {
  readonly host: string
  readonly port: number
  readonly watch: NameWatch
  addresses: readonly SocketAddress[]
}

export class MemberAddresses {
  readonly #resolver: Pick<Resolver, 'watch'>
  readonly #onResolved: (names: readonly string[]) => void
  readonly #named = new Map<string, Named>()
  /** Those to be reported. */
  readonly #resolved = new Set<string>()
  #timer: NodeJS.Timeout | undefined

  /** `onResolved`: these members have other addresses. */
  constructor(resolver: Pick<Resolver, 'watch'>, onResolved: (names: readonly string[]) => void) {
    this.#resolver = resolver
    this.#onResolved = onResolved
  }

  /** Settles when each name that is there now has been looked up once, successfully or not. */
  get looked(): Promise<unknown> {
    return Promise.all([...this.#named.values()].map(({ watch }) => watch.looked))
  }

  /** Empty while a host name is not resolved. */
  of({ hosts, name, port }: FoundMember): readonly SocketAddress[] {
    const literals = hosts.flatMap((host) => {
      const literal = parseHostLiteral(host)
      return literal === undefined ? [] : [withPort(literal, port)]
    })
    const [host] = hosts
    if (literals.length === 0 && host !== undefined) return this.#namedAt(name, host, port)
    this.forget(name)
    return literals
  }

  forget(name: string): void {
    this.#named.get(name)?.watch.close()
    this.#named.delete(name)
    this.#resolved.delete(name)
  }

  close(): void {
    clearTimeout(this.#timer)
    for (const { watch } of this.#named.values()) watch.close()
    this.#named.clear()
  }

  #namedAt(name: string, host: string, port: number): readonly SocketAddress[] {
    const before = this.#named.get(name)
    if (before?.host === host && before.port === port) return before.addresses
    const watch = this.#resolver.watch([{ slot: 0, host, family: 0, port }], (_, addresses) =>
      this.#onAddresses(name, addresses),
    )
    // Of another host: those of before serve until the new name is resolved.
    const addresses = watch.known.get(0) ?? before?.addresses ?? []
    this.#named.set(name, { host, port, watch, addresses })
    // After the new watch: a name that both have is not looked up anew.
    before?.watch.close()
    return addresses
  }

  #onAddresses(name: string, addresses: readonly SocketAddress[]): void {
    const named = this.#named.get(name)
    if (named === undefined) return
    named.addresses = addresses
    this.#resolved.add(name)
    this.#timer ??= setTimeout(() => this.#report(), GATHER_MS)
  }

  #report(): void {
    this.#timer = undefined
    const names = [...this.#resolved]
    this.#resolved.clear()
    if (names.length > 0) this.#onResolved(names)
  }
}

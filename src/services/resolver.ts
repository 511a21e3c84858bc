import { lookup } from 'node:dns/promises'
import { parseHostLiteral, type SocketAddress, withPort } from '../base/address.js'
import { NOTICE, WARNING } from '../observe/severity.js'
import type { Say, TraceChannel } from '../observe/trace.js'

/** A name is looked up again this often: getaddrinfo tells no lifetime. */
const REFRESH_MS = 30_000

/** A name that could not be looked up is tried again after this, twice as long each time. */
const RETRY_FIRST_MS = 1_000

/** 4 or 6 where only addresses of one family are wanted. */
export type Family = 0 | 4 | 6

export interface NamedRemote {
  readonly slot: number
  readonly host: string
  readonly family: Family
  readonly port: number
}

/** All addresses of a host name. Rejects when there are none. */
export async function resolveHost({
  host,
  family,
  port,
}: Omit<NamedRemote, 'slot'>): Promise<SocketAddress[]> {
  const found = await lookup(host, { all: true, family, verbatim: true })
  return found.flatMap(({ address }) => {
    const literal = parseHostLiteral(address)
    return literal === undefined ? [] : [withPort(literal, port)]
  })
}

/**
 * Keeps the addresses of named remotes: looks each up at once and again while the program runs. An answer that
 * changed is handed on; a failure never takes addresses away.
 */
export class Resolver {
  readonly #onAddresses: (slot: number, addresses: readonly SocketAddress[]) => void
  readonly #say: Say
  readonly #trace: TraceChannel
  readonly #resolve: typeof resolveHost
  readonly #timers = new Set<NodeJS.Timeout>()
  #isClosed = false

  constructor(
    onAddresses: (slot: number, addresses: readonly SocketAddress[]) => void,
    say: Say,
    trace: TraceChannel,
    resolve = resolveHost,
  ) {
    this.#onAddresses = onAddresses
    this.#say = say
    this.#trace = trace
    this.#resolve = resolve
  }

  /** Starts looking after a remote; settles with its first answer, good or not. */
  add(remote: NamedRemote): Promise<void> {
    return this.#look(remote, '', 0)
  }

  close(): void {
    this.#isClosed = true
    for (const timer of this.#timers) clearTimeout(timer)
  }

  async #look(remote: NamedRemote, known: string, failures: number): Promise<void> {
    const answer = await this.#resolve(remote).catch(
      (error: NodeJS.ErrnoException) => error.code ?? error.message,
    )
    if (this.#isClosed) return
    if (this.#trace.isOn) this.#trace.say(`${remote.host}: ${JSON.stringify(answer)}`)
    if (typeof answer === 'string' || answer.length === 0) {
      const reason = answer.length === 0 ? 'the name has no address' : answer
      if (failures === 0) this.#say(WARNING, `cannot resolve '${remote.host}': ${reason}`)
      this.#again(() => this.#look(remote, known, failures + 1), RETRY_FIRST_MS * 2 ** Math.min(failures, 5))
      return
    }
    const now = answer
      .map(({ family, ...rest }) => JSON.stringify([family, rest]))
      .sort()
      .join()
    if (failures > 0) this.#say(NOTICE, `'${remote.host}' is resolved again`)
    if (now !== known) this.#onAddresses(remote.slot, answer)
    this.#again(() => this.#look(remote, now, 0), REFRESH_MS)
  }

  #again(look: () => Promise<void>, afterMs: number): void {
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer)
        void look()
      },
      Math.min(afterMs, REFRESH_MS),
    )
    this.#timers.add(timer)
  }
}

/** Resolves the host names of remotes and keeps their addresses up to date. */
import { lookup } from 'node:dns/promises'
import { parseHostLiteral, type SocketAddress, withPort } from '../base/address.js'
import { NOTICE, WARNING } from '../observe/severity.js'
import type { Say, TraceChannel } from '../observe/trace.js'

/** Refresh interval: getaddrinfo(3) reports no TTL. */
const REFRESH_MS = 30_000

/** First retry after a failure; the delay doubles up to the refresh interval. */
const RETRY_FIRST_MS = 1_000

/** 4 or 6 for addresses of one family only; 0 for both. */
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
  // getaddrinfo(3), so that /etc/hosts and nsswitch.conf apply; `verbatim` keeps its order (RFC 6724).
  const found = await lookup(host, { all: true, family, verbatim: true })
  return found.flatMap(({ address }) => {
    const literal = parseHostLiteral(address)
    return literal === undefined ? [] : [withPort(literal, port)]
  })
}

/** The watched names of one configuration. */
export interface NameWatch {
  /** Addresses known when the watch began, by slot of the remote. */
  readonly known: ReadonlyMap<number, readonly SocketAddress[]>
  /** Settles when each name was looked up once since the watch began, successfully or not. */
  readonly looked: Promise<unknown>
  close(): void
}

type OnAddresses = (slot: number, addresses: readonly SocketAddress[]) => void

/** A remote that uses a name, with its own port. */
interface Watcher {
  readonly remote: NamedRemote
  readonly onAddresses: OnAddresses
}

/** A watched name. */
interface Name extends Omit<NamedRemote, 'slot'> {
  readonly watchers: Set<Watcher>
  /** The last answer; undefined before the first one. A failure does not change it. */
  answer: readonly SocketAddress[] | undefined
  failures: number
  /** The lookup in flight. */
  inFlight: Promise<void> | undefined
  /** Runs until the next lookup. */
  timer: NodeJS.Timeout | undefined
}

/**
 * Shared by all configurations of a process, so that a reload keeps the addresses of a name. Looks a name up when a watch
 * begins and periodically afterwards. Only a new answer changes its addresses; a failed lookup keeps them.
 */
export class Resolver {
  readonly #say: Say
  readonly #trace: TraceChannel
  readonly #resolve: typeof resolveHost
  readonly #names = new Map<string, Name>()
  /** A lookup in flight cannot be cancelled: its answer is ignored. */
  #isClosed = false

  constructor(say: Say, trace: TraceChannel, resolve = resolveHost) {
    this.#say = say
    this.#trace = trace
    this.#resolve = resolve
  }

  /** Watches the names of these remotes; `onAddresses` is called with each answer that differs from the last one. */
  watch(remotes: readonly NamedRemote[], onAddresses: OnAddresses): NameWatch {
    const entries = remotes.map((remote) => {
      return { name: this.#nameOf(remote), watcher: { remote, onAddresses } }
    })
    for (const { name, watcher } of entries) name.watchers.add(watcher)
    const known = entries.flatMap(({ name: { answer }, watcher: { remote } }) =>
      answer === undefined ? [] : [[remote.slot, withPortOf(answer, remote)] as const],
    )
    return {
      known: new Map(known),
      looked: Promise.all(entries.map(({ name }) => this.#lookUp(name))),
      close: () => {
        for (const { name, watcher } of entries) this.#leave(name, watcher)
      },
    }
  }

  close(): void {
    this.#isClosed = true
    for (const { timer } of this.#names.values()) clearTimeout(timer)
    this.#names.clear()
  }

  #nameOf({ family, host }: NamedRemote): Name {
    const key = keyOf(host, family)
    const found = this.#names.get(key)
    if (found !== undefined) return found
    const name: Name = {
      host,
      family,
      // Each watcher has a port of its own.
      port: 0,
      watchers: new Set(),
      answer: undefined,
      failures: 0,
      inFlight: undefined,
      timer: undefined,
    }
    this.#names.set(key, name)
    return name
  }

  #leave(name: Name, watcher: Watcher): void {
    name.watchers.delete(watcher)
    if (name.watchers.size > 0) return
    clearTimeout(name.timer)
    this.#names.delete(keyOf(name.host, name.family))
  }

  /** Looks a name up now, or joins the lookup in flight. */
  #lookUp(name: Name): Promise<void> {
    clearTimeout(name.timer)
    name.inFlight ??= this.#lookUpOnce(name).finally(() => {
      name.inFlight = undefined
    })
    return name.inFlight
  }

  async #lookUpOnce(name: Name): Promise<void> {
    const answer = await this.#resolve(name).catch(
      (error: NodeJS.ErrnoException) => error.code ?? error.message,
    )
    // Nobody uses the answer, and no timer may be set any more.
    if (this.#isClosed || name.watchers.size === 0) return
    if (this.#trace.isOn) this.#trace.say(`${name.host}: ${JSON.stringify(answer)}`)
    if (typeof answer === 'string') this.#onFailure(name, answer)
    else if (answer.length === 0) this.#onFailure(name, 'the name has no address')
    else this.#onAnswer(name, answer)
  }

  #onFailure(name: Name, reason: string): void {
    if (name.failures === 0) this.#say(WARNING, `cannot resolve '${name.host}': ${reason}`)
    // 2 ** 5: 32 s, above the refresh interval, which limits it.
    this.#lookUpAfter(name, RETRY_FIRST_MS * 2 ** Math.min(name.failures, 5))
    name.failures++
  }

  #onAnswer(name: Name, answer: readonly SocketAddress[]): void {
    if (name.failures > 0) this.#say(NOTICE, `resolved '${name.host}' again`)
    name.failures = 0
    const isNew = name.answer === undefined || textOf(answer) !== textOf(name.answer)
    name.answer = answer
    if (isNew) {
      for (const { onAddresses, remote } of name.watchers)
        onAddresses(remote.slot, withPortOf(answer, remote))
    }
    this.#lookUpAfter(name, REFRESH_MS)
  }

  #lookUpAfter(name: Name, afterMs: number): void {
    name.timer = setTimeout(() => void this.#lookUp(name), Math.min(afterMs, REFRESH_MS))
  }
}

function keyOf(host: string, family: Family): string {
  return `${family} ${host}`
}

/** A text that is equal for the same addresses in any order. */
function textOf(answer: readonly SocketAddress[]): string {
  return answer
    .map(({ family, ...rest }) => JSON.stringify([family, rest]))
    .sort()
    .join()
}

function withPortOf(answer: readonly SocketAddress[], { port }: NamedRemote): SocketAddress[] {
  return answer.map((address) => (address.family === 'unix' ? address : withPort(address, port)))
}

/** The EndpointSlices of a service (discovery.k8s.io/v1), and the members that they are together. */
import { integerAt, isObject, type JsonObject, listAt, objectAt, textAt } from '../json-fields.js'
import { hostAt, MEMBERS_MAX } from '../json-members.js'
import type { FoundMember } from '../source.js'
import { SourceFailure } from '../source-failure.js'

const PORT_MAX = 65_535

interface SlicePort {
  readonly name: string
  /** Undefined: all ports. */
  readonly number: number | undefined
}

interface Endpoint {
  /** The pod, or the address. */
  readonly name: string
  readonly host: string
}

/** What is wanted of a slice. */
interface Slice {
  /** Those of TCP. */
  readonly ports: readonly SlicePort[]
  /** Those that are ready. */
  readonly endpoints: readonly Endpoint[]
}

export class EndpointSlices {
  readonly #port: string | number | undefined
  /** By name. */
  #slices = new Map<string, Slice>()

  /** `port`: by name or number; undefined: the only one. */
  constructor(port: string | number | undefined) {
    this.#port = port
  }

  /** All slices: those that are not listed are gone. */
  replace(items: readonly unknown[]): void {
    this.#slices = new Map(items.map((item, i) => namedSlice(item, `items[${i}]`)))
  }

  put(item: unknown): void {
    const [name, slice] = namedSlice(item, 'object')
    this.#slices.set(name, slice)
  }

  delete(item: unknown): void {
    this.#slices.delete(nameOf(objectAt(item, 'object'), 'object'))
  }

  /**
   * An endpoint can be in several slices: in two of them for a moment when the control plane moves it, and in one for each
   * family of addresses.
   */
  members(): readonly FoundMember[] {
    const found = new Map<string, FoundMember>()
    // In the order of their names, whatever the order of the changes was.
    for (const [, { endpoints, ports }] of [...this.#slices].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const port = endpoints.length === 0 ? undefined : this.#numberOf(ports)
      if (port === undefined) continue
      for (const { host, name } of endpoints) {
        const known = found.get(name)
        const hosts = known?.port === port && isAddress(host) ? [...new Set([...known.hosts, host])] : [host]
        if (known === undefined || known.port === port)
          found.set(name, { name, hosts, port, weight: undefined, tier: undefined })
      }
    }
    if (found.size > MEMBERS_MAX) throw new SourceFailure(`more than ${MEMBERS_MAX} endpoints`)
    if (found.size === 0 && this.#hasEndpoints) throw new SourceFailure(this.#portProblem())
    return [...found.values()]
  }

  get #hasEndpoints(): boolean {
    return [...this.#slices.values()].some(({ endpoints }) => endpoints.length > 0)
  }

  #numberOf(ports: readonly SlicePort[]): number | undefined {
    const wanted = this.#port
    if (typeof wanted === 'string') return ports.find(({ name }) => name === wanted)?.number
    if (wanted === undefined) return ports.length === 1 ? ports[0]?.number : undefined
    // Without ports a service says nothing of them, as a headless one may.
    const isThere = ports.length === 0 || ports.some(({ number }) => (number ?? wanted) === wanted)
    return isThere ? wanted : undefined
  }

  #portProblem(): string {
    const all = [...this.#slices.values()].flatMap(({ ports }) => ports)
    const texts = new Set(
      all.map(({ name, number }) => `${name === '' ? '' : `${name} = `}${number ?? 'any'}`),
    )
    const found = texts.size === 0 ? 'none' : [...texts].join(', ')
    return this.#port === undefined
      ? `'port' has to say which one: the TCP ports of the service are ${found}`
      : `the service has no TCP port ${this.#port}, only ${found}`
  }
}

function namedSlice(item: unknown, place: string): [string, Slice] {
  const slice = objectAt(item, place)
  const name = nameOf(slice, place)
  const at = `slice ${name}`
  const ports = listAt(slice.ports, `${at}: ports`).flatMap((port, i) => portAt(port, `${at}: ports[${i}]`))
  const endpoints = listAt(slice.endpoints, `${at}: endpoints`).flatMap((endpoint, i) =>
    endpointAt(endpoint, `${at}: endpoints[${i}]`),
  )
  return [name, { ports, endpoints }]
}

function nameOf({ metadata }: JsonObject, place: string): string {
  return textAt(objectAt(metadata, `${place}.metadata`).name, `${place}.metadata.name`)
}

function portAt(value: unknown, place: string): SlicePort[] {
  const { name, port, protocol } = objectAt(value, place)
  if (protocol !== undefined && protocol !== null && protocol !== 'TCP') return []
  const number =
    port === undefined || port === null ? undefined : integerAt(port, `${place}.port`, 1, PORT_MAX)
  return [{ name: typeof name === 'string' ? name : '', number }]
}

/** Nothing, if it is not ready. An endpoint that terminates is not, unless the service publishes those too. */
function endpointAt(value: unknown, place: string): Endpoint[] {
  const { addresses, conditions, targetRef } = objectAt(value, place)
  // Without a word it is ready.
  if (isObject(conditions) && conditions.ready === false) return []
  const [first] = listAt(addresses, `${place}.addresses`)
  const host = hostAt(first, `${place}.addresses[0]`)
  const named = isObject(targetRef) ? targetRef.name : undefined
  return [{ name: typeof named === 'string' && named !== '' ? named : host, host }]
}

function isAddress(host: string): boolean {
  return /^[\d.]+$|:/.test(host)
}

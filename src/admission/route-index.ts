/** Finds candidates among many routes: each route is indexed by its most selective condition. */
import { WORDS } from './access-table.js'
import type { AscendingMerge } from './ascending-merge.js'
import {
  type FactIndex,
  type NumberedRoute,
  ServerNameIndex,
  type WordAt,
  WordIndex,
  type WordsOf,
} from './fact-index.js'
import { ALPN_COUNT_MAX, type RouteFacts } from './route-facts.js'
import type { RouteConditions } from './route-plan.js'
import { PortIndex, SourceIndex } from './span-indexes.js'

/** A kind of condition that routes are indexed by. */
interface Dimension {
  /** Only counted: routes with a common value are likely to match the same clients. Undefined without the condition. */
  readonly valuesOf: WordsOf
  index(routes: readonly NumberedRoute[]): FactIndex
}

/** The first range of every table begins at the lowest address; the next two tell most tables apart. */
const SOURCE_WORDS_FROM = WORDS
const SOURCE_WORDS_TO = 3 * WORDS

/** The first one is used where several are equally selective. Other conditions are not indexed. */
const DIMENSIONS: readonly Dimension[] = [
  words(
    ({ certificate }) => certificate?.fingerprints,
    single((facts) => facts.certificate()?.fingerprint()),
  ),
  words(
    ({ users }) => users,
    single((facts) => facts.user()),
  ),
  { valuesOf: ({ serverNames }) => serverNames, index: (routes) => new ServerNameIndex(routes) },
  { valuesOf: sourceValues, index: (routes) => new SourceIndex(routes) },
  {
    valuesOf: ({ ports }) => ports?.map(({ from, to }) => [from, to].join('-')),
    index: (routes) => new PortIndex(routes),
  },
  words(
    ({ realms }) => realms,
    single((facts) => facts.realm),
  ),
  words(({ alpn }) => alpn, alpnAt),
  words(
    ({ tlsVersions }) => tlsVersions,
    single((facts) => facts.tlsVersion()),
  ),
  words(({ protocols }) => protocols, protocolAt),
]

/** A candidate is found with a step per dimension, and a few more for names and networks. */
export class RouteIndex {
  /** Routes without a condition that can be indexed. */
  readonly #always: readonly number[]
  readonly #indexes: readonly FactIndex[]

  /** `routes` are in ascending order. */
  constructor(routes: readonly NumberedRoute[]) {
    const counts = DIMENSIONS.map(({ valuesOf }) => countValues(routes, valuesOf))
    // Each route is in one index only, so that `collect` adds few lists.
    const groups = new Map<Dimension | undefined, NumberedRoute[]>()
    for (const route of routes) {
      const dimension = mostSelective(route.conditions, counts)
      const group = groups.get(dimension)
      if (group === undefined) groups.set(dimension, [route])
      else group.push(route)
    }
    this.#always = (groups.get(undefined) ?? []).map(({ number }) => number)
    this.#indexes = [...groups].flatMap(([dimension, group]) => dimension?.index(group) ?? [])
  }

  /** Adds ascending lists that together contain every route that matches, and few others. */
  collect(facts: RouteFacts, into: AscendingMerge): void {
    if (this.#always.length > 0) into.add(this.#always)
    for (const index of this.#indexes) index.collect(facts, into)
  }
}

type Counts = ReadonlyMap<string, number>

/** By value, how many routes have it. */
function countValues(routes: readonly NumberedRoute[], valuesOf: WordsOf): Counts {
  const counts = new Map<string, number>()
  for (const { conditions } of routes) {
    for (const value of valuesOf(conditions) ?? []) counts.set(value, (counts.get(value) ?? 0) + 1)
  }
  return counts
}

/** The dimension in which the route shares its values with the fewest others. */
function mostSelective(conditions: RouteConditions, counts: readonly Counts[]): Dimension | undefined {
  let best: Dimension | undefined
  let bestCount = Number.POSITIVE_INFINITY
  for (const [i, dimension] of DIMENSIONS.entries()) {
    const values = dimension.valuesOf(conditions)
    if (values === undefined) continue
    // Its most common value counts: a client with that value makes candidates of all routes that share it.
    const count = values.reduce((most, value) => Math.max(most, counts[i]?.get(value) ?? 0), 0)
    if (count >= bestCount) continue
    best = dimension
    bestCount = count
  }
  return best
}

function sourceValues({ sources }: RouteConditions): readonly string[] | undefined {
  return sources && [sources.starts.subarray(SOURCE_WORDS_FROM, SOURCE_WORDS_TO).join()]
}

/** A dimension of words that are compared as they are. */
function words(valuesOf: WordsOf, wordAt: WordAt): Dimension {
  return { valuesOf, index: (routes) => new WordIndex(routes, valuesOf, wordAt) }
}

/** For a fact that is one word. */
function single(wordOf: (facts: RouteFacts) => string | undefined): WordAt {
  return (facts, at) => (at === 0 ? wordOf(facts) : undefined)
}

function alpnAt(facts: RouteFacts, at: number): string | undefined {
  return at < ALPN_COUNT_MAX ? facts.alpn()[at] : undefined
}

/** A client with a detected protocol also matches `any`. */
function protocolAt(facts: RouteFacts, at: number): string | undefined {
  const protocol = facts.protocol()
  if (at === 0) return protocol
  return at === 1 && protocol !== '' && protocol !== 'any' ? 'any' : undefined
}

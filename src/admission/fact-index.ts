/** Indexes of routes by one kind of fact each. */
import type { AscendingMerge } from './ascending-merge.js'
import { NamePatterns } from './name-patterns.js'
import type { RouteFacts } from './route-facts.js'
import type { RouteConditions } from './route-plan.js'

/** A route with its place in the order of routes. */
export interface NumberedRoute {
  readonly number: number
  readonly conditions: RouteConditions
}

/** Finds all routes that may match a client by this fact. It may find others too: all conditions are evaluated later. */
export interface FactIndex {
  /** Adds ascending lists of their numbers. */
  collect(facts: RouteFacts, into: AscendingMerge): void
}

/** The words of a condition; undefined without it. */
export type WordsOf = (conditions: RouteConditions) => readonly string[] | undefined

/** The words of a client that a condition is compared with, counted from 0; undefined behind the last one. */
export type WordAt = (facts: RouteFacts, at: number) => string | undefined

/** By words that are compared as they are. */
export class WordIndex implements FactIndex {
  readonly #lists = new Map<string, number[]>()
  readonly #wordAt: WordAt

  constructor(routes: readonly NumberedRoute[], wordsOf: WordsOf, wordAt: WordAt) {
    this.#wordAt = wordAt
    for (const { conditions, number } of routes) {
      for (const word of wordsOf(conditions) ?? []) {
        const list = this.#lists.get(word)
        if (list === undefined) this.#lists.set(word, [number])
        else appendOnce(list, number)
      }
    }
  }

  collect(facts: RouteFacts, into: AscendingMerge): void {
    let word = this.#wordAt(facts, 0)
    for (let at = 1; word !== undefined; at++) {
      const list = this.#lists.get(word)
      if (list !== undefined) into.add(list)
      word = this.#wordAt(facts, at)
    }
  }
}

/** By exact names and wildcards. */
export class ServerNameIndex implements FactIndex {
  readonly #lists = new NamePatterns<number[]>()

  constructor(routes: readonly NumberedRoute[]) {
    for (const { conditions, number } of routes) {
      for (const pattern of conditions.serverNames ?? []) {
        const list = this.#lists.get(pattern)
        if (list === undefined) this.#lists.set(pattern, [number])
        else appendOnce(list, number)
      }
    }
  }

  collect(facts: RouteFacts, into: AscendingMerge): void {
    this.#lists.collect(facts.serverName(), into)
  }
}

/** A condition may have a value twice. */
function appendOnce(list: number[], number: number): void {
  if (list.at(-1) !== number) list.push(number)
}

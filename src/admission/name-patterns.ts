/** Lookup of server names among many patterns. */
import { ANY_NAME, WILDCARD_PREFIX } from '../base/server-name.js'

/** Receives the values of the patterns that match. */
export interface Collector<T> {
  add(value: T): void
}

/**
 * Maps patterns to values. A lookup takes one hash lookup, and one more per number of labels that occurs in wildcard
 * patterns, whatever the number of patterns.
 */
export class NamePatterns<T> {
  #any: T | undefined
  #exact: Map<string, T> | undefined
  /** By the suffix behind `*.`. */
  #suffixes: Map<string, T> | undefined
  /** By number of labels, whether a suffix has so many: clients choose how many labels their names have. */
  readonly #hasSuffixOf: boolean[] = []

  get(pattern: string): T | undefined {
    if (pattern === ANY_NAME) return this.#any
    const suffix = suffixOf(pattern)
    return suffix === undefined ? this.#exact?.get(pattern) : this.#suffixes?.get(suffix)
  }

  /** `pattern` is one of `parseServerNamePattern`. */
  set(pattern: string, value: T): void {
    const suffix = suffixOf(pattern)
    if (pattern === ANY_NAME) this.#any = value
    else if (suffix === undefined) {
      this.#exact ??= new Map()
      this.#exact.set(pattern, value)
    } else {
      this.#suffixes ??= new Map()
      this.#suffixes.set(suffix, value)
      this.#hasSuffixOf[suffix.split('.').length] = true
    }
  }

  /**
   * Passes on the value of every pattern that matches; returns whether any does. `name` is one of `clientServerName`:
   * '' matches no pattern.
   */
  collect(name: string, into?: Collector<T>): boolean {
    if (name === '') return false
    const isAny = pass(this.#any, into)
    const isExact = pass(this.#exact?.get(name), into)
    return this.#collectSuffixes(name, into) || isExact || isAny
  }

  #collectSuffixes(name: string, into: Collector<T> | undefined): boolean {
    if (this.#suffixes === undefined) return false
    let isFound = false
    let labels = 1
    let dot = name.lastIndexOf('.')
    while (dot > 0 && labels < this.#hasSuffixOf.length) {
      if (this.#hasSuffixOf[labels] === true && pass(this.#suffixes.get(name.slice(dot + 1)), into))
        isFound = true
      labels += 1
      dot = name.lastIndexOf('.', dot - 1)
    }
    return isFound
  }
}

function suffixOf(pattern: string): string | undefined {
  return pattern.startsWith(WILDCARD_PREFIX) ? pattern.slice(WILDCARD_PREFIX.length) : undefined
}

function pass<T>(value: T | undefined, into: Collector<T> | undefined): boolean {
  if (value === undefined) return false
  into?.add(value)
  return true
}

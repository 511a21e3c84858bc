/** The seeds by which policies that hash tell remotes apart. */
import { hashText } from './hash.js'

/**
 * By index of the name: hashes that all differ. They depend on the set of names alone, so that relays whose configurations
 * have another order choose alike. Of two names with equal hashes (1 in 8,600 pools with 1,000 remotes has such a pair) one
 * remote would get no clients from `source`, and the order would decide which entries are whose in `maglev`.
 */
export function remoteSeeds(names: readonly string[]): readonly number[] {
  const seeds = new Array<number>(names.length).fill(0)
  const taken = new Set<number>()
  const inOrder = [...names.entries()].sort(([, a], [, b]) => (a < b ? -1 : 1))
  for (const [index, name] of inOrder) {
    let seed = hashText(name)
    for (let attempt = 1; taken.has(seed); attempt++) seed = hashText(name, attempt)
    taken.add(seed)
    seeds[index] = seed
  }
  return seeds
}

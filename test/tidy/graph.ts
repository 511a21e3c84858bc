import type { Source } from './sources.js'

/** Which file loads which when it runs: type imports are gone by then. */
export function loadGraph(sources: readonly Source[]): ReadonlyMap<string, readonly string[]> {
  const known = new Set(sources.map(({ path }) => path))
  return new Map(
    sources.map(({ path, imports }) => [
      path,
      imports
        .filter(({ isTypeOnly, target }) => !isTypeOnly && known.has(target))
        .map(({ target }) => target),
    ]),
  )
}

/** Everything that a file loads, by way of whom. */
export function loadedBy(graph: ReadonlyMap<string, readonly string[]>, path: string): Map<string, string> {
  const via = new Map<string, string>()
  const open = [path]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const target of graph.get(next) ?? []) {
      if (via.has(target)) continue
      via.set(target, next)
      open.push(target)
    }
  }
  return via
}

/** Rings of files that load each other, each once, as `a -> b -> a`. */
export function cyclesOf(graph: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const cycles: string[] = []
  const done = new Set<string>()
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path)
    if (start >= 0) cycles.push([...trail.slice(start), path].join(' -> '))
    if (start >= 0 || done.has(path)) return
    for (const target of graph.get(path) ?? []) visit(target, [...trail, path])
    done.add(path)
  }
  for (const path of graph.keys()) visit(path, [])
  return cycles
}

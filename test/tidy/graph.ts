/** Graphs of the imports between files. */
import type { Source } from './sources.js'

type Graph = ReadonlyMap<string, readonly string[]>

/** The files that a file loads at run time: imports of types only do not exist then. */
export function loadGraph(sources: readonly Source[]): Graph {
  return graphOf(sources, ({ isTypeOnly }) => !isTypeOnly)
}

/** The files that a file names in imports, of types too. */
export function importGraph(sources: readonly Source[]): Graph {
  return graphOf(sources, () => true)
}

function graphOf(sources: readonly Source[], isEdge: (one: Source['imports'][number]) => boolean): Graph {
  const known = new Set(sources.map(({ path }) => path))
  return new Map(
    sources.map(({ path, imports }) => [
      path,
      imports.filter((one) => isEdge(one) && known.has(one.target)).map(({ target }) => target),
    ]),
  )
}

/** Everything reachable from a file, each with the file that leads to it. */
export function loadedBy(graph: Graph, path: string): Map<string, string> {
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

/** Cycles of the graph, each once, as `a -> b -> a`. */
export function cyclesOf(graph: Graph): readonly string[] {
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

/** The strongly connected components with a cycle: groups of files of which each reaches all others. Sorted. */
export function cyclicGroups(graph: Graph): readonly (readonly string[])[] {
  const reachable = new Map([...graph.keys()].map((path) => [path, loadedBy(graph, path)] as const))
  const groups = new Map<string, readonly string[]>()
  for (const [path, targets] of reachable) {
    if (!targets.has(path)) continue
    const group = [...targets.keys()].filter((other) => reachable.get(other)?.has(path)).sort()
    groups.set(group.join(), group)
  }
  return [...groups.values()].sort(([a = ''], [b = '']) => a.localeCompare(b))
}

import { readdirSync, readFileSync } from 'node:fs'

/** The fields of /proc/PID/stat after the name, which may itself contain spaces and brackets. */
export function statFields(stat: string): readonly string[] {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

/** Reads a file of /proc; undefined if the process or thread has ended meanwhile. */
export function readProc(path: string): string | undefined {
  try {
    return readFileSync(`/proc/${path}`, 'latin1')
  } catch {
    return undefined
  }
}

function parentsOfAll(): Map<number, number> {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? readProc(`${name}/stat`) : undefined
    if (stat !== undefined) parents.set(Number(name), Number(statFields(stat)[1]))
  }
  return parents
}

/** The process and all its descendants, parents first. */
export function processTree(pid: number): readonly number[] {
  const parents = parentsOfAll()
  const tree = [pid]
  // The list grows while it is iterated: each member's children are appended behind it.
  for (const member of tree) {
    for (const [child, parent] of parents) if (parent === member) tree.push(child)
  }
  return tree.filter((member) => parents.has(member))
}

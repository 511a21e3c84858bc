import { readFileSync } from 'node:fs'
import { descriptorsOf } from './proc.js'
import { until } from './until.js'

/** The ports of the clients whose connections to a listener's port the process holds; none if it has ended. */
export function clientPortsHeldBy(pid: number, listenerPort: number): Set<number> {
  const ports = new Set<number>()
  const own = socketsOf(pid)
  const rows = readFileSync('/proc/net/tcp', 'utf8').split('\n').slice(1)
  for (const row of rows) {
    const fields = row.trim().split(/\s+/)
    if (!own.has(`socket:[${fields[9]}]`) || portIn(fields[1]) !== listenerPort) continue
    const clientPort = portIn(fields[2])
    if (clientPort !== 0) ports.add(clientPort)
  }
  return ports
}

function socketsOf(pid: number): ReadonlySet<string> {
  try {
    return new Set(descriptorsOf(pid))
  } catch {
    return new Set()
  }
}

/** Stops a process and waits for state T. False: it had just ended. */
export async function freeze(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 'SIGSTOP')
  } catch {
    return false
  }
  const state = await until('the process to stand still', () => {
    const now = stateOf(pid) ?? 'Z'
    return (now === 'T' || now === 'Z') && now
  })
  return state === 'T'
}

/** The state letter of proc(5): R, S, T, Z and so on; undefined if there is no such process. */
export function stateOf(pid: number): string | undefined {
  try {
    return / \(.*\) (\w) /s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1]
  } catch {
    return undefined
  }
}

/** `0100007F:1F90`: an address and a port of /proc/net/tcp. */
function portIn(field: string | undefined): number {
  return Number.parseInt(field?.split(':').at(-1) ?? '0', 16)
}

import assert from 'node:assert/strict'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** USER_HZ of every Linux that Node runs on: the unit of CPU time in /proc. */
const TICK_MS = 10

/** The keepalive timer of an idle connection with SO_KEEPALIVE, in the same table. */
const KEEPALIVE_TIMER = '02:'

/** State of a listening socket in /proc/net/tcp. */
const TCP_LISTEN = '0A'

/** The open descriptors of a process, as /proc names them. */
export function descriptorsOf(pid: number | 'self'): string[] {
  const folder = `/proc/${pid}/fd`
  return readdirSync(folder).flatMap((fd) => {
    try {
      return [readlinkSync(`${folder}/${fd}`)]
    } catch {
      return [] // closed meanwhile, such as the one that reads the folder
    }
  })
}

export function descriptorNumbersOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/fd`).map(Number)
}

/** Set in the flags of close-on-exec descriptors (proc(5), fdinfo). */
const O_CLOEXEC = 0o2000000

/** Descriptors that a program inherits on exec, with what they are: `7 socket:[123]`. */
export function passedOnBy(pid: number | 'self'): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      const flags = /^flags:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8'))?.[1] ?? '0'
      const isClosed = (Number.parseInt(flags, 8) & O_CLOEXEC) !== 0
      return isClosed ? [] : [`${fd} ${readlinkSync(`/proc/${pid}/fd/${fd}`)}`]
    } catch {
      return [] // closed meanwhile, such as the one that reads the folder
    }
  })
}

/** How many descriptors of each kind: sockets, pipes, epolls and so on. */
export function descriptorKinds(pid: number | 'self'): Map<string, number> {
  const kinds = new Map<string, number>()
  for (const target of descriptorsOf(pid)) {
    const kind = target.replace(/^(socket|pipe):.*/, '$1')
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
  }
  return kinds
}

export function threadCountOf(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).length
}

/** One file of every thread of the process. A thread that ends meanwhile is left out. */
function ofThreads(pid: number, file: string): string[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((thread) => {
    try {
      return [readFileSync(`/proc/${pid}/task/${thread}/${file}`, 'utf8')]
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'ENOENT' || code === 'ESRCH') return []
      throw error
    }
  })
}

/** Are all threads asleep? */
export function isAsleep(pid: number): boolean {
  return ofThreads(pid, 'stat').every((text) => text.split(') ').at(-1)?.startsWith('S'))
}

export function childrenOf(pid: number): string[] {
  return ofThreads(pid, 'children').flatMap((text) => text.split(' ').filter(Boolean))
}

/** The title in a process list. */
export function titleOf(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replace(/\0+$/, '').replaceAll('\0', ' ').trim()
}

export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(status(pid))
  } catch {
    return false
  }
}

/** Lines of /proc/PID/maps of this file. */
export function mappingsOf(pid: number, name: string): string[] {
  const lines = readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')
  return lines.filter((line) => line.includes(name))
}

export function residentKiBOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(status(pid))?.[1])
}

/** User and system time of all threads so far. */
export function cpuMsOf(pid: number): number {
  const afterName = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1) ?? ''
  const fields = afterName.split(' ') // from the third field of proc(5) on
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS
}

/**
 * Share of a core that may be used by a relay that waits. V8 collects garbage some seconds after a load, which takes
 * tens of milliseconds; a reactor that spins uses the whole core.
 */
const WAITING_CPU_MAX_SHARE = 0.1

/** A relay that spins does it every time; one that collects garbage or compiles has done it soon. */
const WATCHES_MAX = 3

/** Checks that the process uses next to no CPU time during one of a few waits, each of a second or more. */
export async function waitsWithoutCpu(pid: number, wait: () => Promise<unknown>): Promise<void> {
  const watched: string[] = []
  while (watched.length < WATCHES_MAX) {
    const [startedMs, cpuBeforeMs] = [performance.now(), cpuMsOf(pid)]
    await wait()
    const [usedMs, elapsedMs] = [cpuMsOf(pid) - cpuBeforeMs, performance.now() - startedMs]
    if (usedMs <= elapsedMs * WAITING_CPU_MAX_SHARE) return
    watched.push(`${usedMs} ms in ${Math.round(elapsedMs)} ms`)
  }
  assert.fail(`CPU time of a relay that waits: ${watched.join(', ')}`)
}

/** Does the process have a handler for this signal? */
export function handlesSignal(pid: number, signal: number): boolean {
  const mask = BigInt(`0x${/^SigCgt:\s+(\w+)/m.exec(status(pid))?.[1]}`)
  return (mask & (1n << BigInt(signal - 1))) !== 0n
}

/** TCP ports that the process listens on. */
export function listeningPortsOf(pid: number): number[] {
  return tcpRowsOf(pid)
    .filter((row) => row[3] === TCP_LISTEN)
    .map((row) => Number.parseInt(row[1]?.split(':').at(-1) ?? '', 16))
}

/** How many connections of the process have a running keepalive timer. */
export function keptAliveCountOf(pid: number): number {
  return tcpRowsOf(pid).filter((row) => row[5]?.startsWith(KEEPALIVE_TIMER)).length
}

/** The rows of its sockets in /proc/net/tcp: number, local and remote address, state, queues, timer, … */
function tcpRowsOf(pid: number): string[][] {
  const own = new Set(descriptorsOf(pid))
  return ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, 'utf8')
      .split('\n')
      .slice(1)
      .map((row) => row.trim().split(/\s+/))
      .filter((row) => own.has(`socket:[${row[9]}]`)),
  )
}

function status(pid: number): string {
  return readFileSync(`/proc/${pid}/status`, 'utf8')
}

import { spawnSync } from 'node:child_process'
import type { TestContext } from 'node:test'
import { afterwards } from './clean-up.js'
import { needs } from './needs.js'

/** The namespace of one end of a veth, and its address with the prefix length: `10.9.1.1/24`. */
export interface Plug {
  readonly space: Space
  readonly name: string
  readonly addresses: readonly string[]
}

/** A network namespace with a loopback that is up. */
export class Space {
  readonly name: string
  /** Words that start a program in it. */
  readonly under: readonly string[]

  constructor(name: string) {
    this.name = name
    this.under = ['ip', 'netns', 'exec', name]
  }

  /** Runs a program in it, which must succeed; returns its output. */
  run(...words: readonly string[]): string {
    return run([...this.under, ...words])
  }

  /** A value of /proc/sys/net. */
  set(path: string, value: string): void {
    this.run('sh', '-c', 'echo "$1" > "/proc/sys/net/$0"', path, value)
  }

  /** A counter of the kernel, of TcpExt in /proc/net/netstat. */
  counter(name: string): number {
    const lines = this.run('cat', '/proc/net/netstat').split('\n')
    const [names, values] = lines.filter((line) => line.startsWith('TcpExt:')).map((line) => line.split(' '))
    return Number(values?.[names?.indexOf(name) ?? -1])
  }
}

let made = 0

/** Network namespaces for one test; undefined, and the test is skipped with the reason, if they are not available. */
export function spaces(t: TestContext, count: number): Space[] | undefined {
  if (!needs(t, 'ip')) return undefined
  const all: Space[] = []
  for (let i = 0; i < count; i++) {
    const space = new Space(`tcprelay-test-${process.pid}-${++made}`)
    const { status, stderr } = spawnSync('ip', ['netns', 'add', space.name], { encoding: 'utf8' })
    if (status !== 0) {
      t.skip(`no network namespaces here: ${stderr.trim()}`)
      return undefined
    }
    afterwards(t, () => void run(['ip', 'netns', 'delete', space.name]))
    space.run('ip', 'link', 'set', 'lo', 'up')
    all.push(space)
  }
  return all
}

/** A veth pair between two network namespaces. */
export function join(one: Plug, other: Plug): void {
  const ends = [one, other].map(({ name, space }) => ['name', name, 'netns', space.name])
  run(['ip', 'link', 'add', ...(ends[0] ?? []), 'type', 'veth', 'peer', ...(ends[1] ?? [])])
  for (const { addresses, name, space } of [one, other]) {
    // Skip duplicate address detection, which would delay the use of an IPv6 address by a second.
    for (const address of addresses) {
      space.run('ip', 'address', 'add', address, 'dev', name, ...(address.includes(':') ? ['nodad'] : []))
    }
    space.run('ip', 'link', 'set', name, 'up')
  }
}

function run([file = '', ...words]: readonly string[]): string {
  const { error, status, stderr, stdout } = spawnSync(file, words, { encoding: 'utf8' })
  if (error !== undefined || status !== 0) throw new Error(`${file} ${words.join(' ')}: ${error ?? stderr}`)
  return stdout
}

import { spawnSync } from 'node:child_process'
import type { TestContext } from 'node:test'
import { afterwards } from './clean-up.js'
import { needs } from './needs.js'

/** The one that a veth belongs to, and its address with the length of the network: `10.9.1.1/24`. */
export interface Plug {
  readonly space: Space
  readonly name: string
  readonly addresses: readonly string[]
}

/** A network of its own, with a loopback that is up. */
export class Space {
  readonly name: string
  /** Words that start a program in it. */
  readonly under: readonly string[]

  constructor(name: string) {
    this.name = name
    this.under = ['ip', 'netns', 'exec', name]
  }

  /** Runs a program in it to its end, which must be in order; answers what it wrote. */
  run(...words: readonly string[]): string {
    return run([...this.under, ...words])
  }

  /** A value of /proc/sys/net. */
  set(path: string, value: string): void {
    this.run('sh', '-c', 'echo "$1" > "/proc/sys/net/$0"', path, value)
  }

  /** A counter of the kernel's, of TcpExt in /proc/net/netstat. */
  counter(name: string): number {
    const lines = this.run('cat', '/proc/net/netstat').split('\n')
    const [names, values] = lines.filter((line) => line.startsWith('TcpExt:')).map((line) => line.split(' '))
    return Number(values?.[names?.indexOf(name) ?? -1])
  }
}

let made = 0

/** Networks for one test; undefined, and the test is skipped with the reason, where there can be none. */
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

/** A cable between two networks. */
export function join(one: Plug, other: Plug): void {
  const ends = [one, other].map(({ name, space }) => ['name', name, 'netns', space.name])
  run(['ip', 'link', 'add', ...(ends[0] ?? []), 'type', 'veth', 'peer', ...(ends[1] ?? [])])
  for (const { addresses, name, space } of [one, other]) {
    // An IPv6 address is not to be used for a second, until nobody else claims it; here nobody can.
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

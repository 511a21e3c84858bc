/** The kernel's list of SCTP associations. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { until } from '../harness/until.js'

/** A line of the kernel's list of associations, by the names of its columns. */
interface Association {
  readonly local: readonly string[]
  readonly peer: readonly string[]
  readonly localPort: number
  readonly peerPort: number
  readonly heartbeat: number
  readonly streamsIn: number
  readonly streamsOut: number
}

export function associations(): Association[] {
  const [, ...lines] = readFileSync('/proc/net/sctp/assocs', 'latin1').trimEnd().split('\n')
  return lines.map((line) => {
    const [left = '', right = ''] = line.split('<->')
    const before = left.trim().split(/\s+/)
    const behind = right.trim().split(/\s+/)
    const count = behind.findIndex((word) => /^\d+$/.test(word))
    const numbers = behind.slice(count).map(Number)
    const bare = (word: string) => word.replace('*', '')
    return {
      localPort: Number(before[11]),
      peerPort: Number(before[12]),
      local: before.slice(13).map(bare),
      peer: behind.slice(0, count).map(bare),
      heartbeat: numbers[0] ?? Number.NaN,
      streamsIn: numbers[1] ?? Number.NaN,
      streamsOut: numbers[2] ?? Number.NaN,
    }
  })
}

export function associationOf(localPort: number, peerPort?: number): Association {
  const found = associations().find((one) => {
    return one.localPort === localPort && (peerPort === undefined || one.peerPort === peerPort)
  })
  assert.ok(found, `an association of port ${localPort}`)
  return found
}

export async function noAssociations(): Promise<void> {
  await until('the kernel to have no association', () => associations().length === 0)
}

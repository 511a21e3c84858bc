import { readFileSync } from 'node:fs'
import type { TestContext } from 'node:test'
import { type RawPeers, rawPeers } from './peers.js'

export const NO_MULTIPATH = 'this kernel has no MPTCP, or net.mptcp.enabled is 0'

export function hasMultipath(): boolean {
  try {
    return readFileSync('/proc/sys/net/mptcp/enabled', 'utf8').trim() === '1'
  } catch {
    return false
  }
}

/** Plain sockets if the system has MPTCP; else undefined, and the test is skipped with the reason. */
export function multipathPeers(t: TestContext): RawPeers | undefined {
  if (hasMultipath()) return rawPeers(t)
  t.skip(NO_MULTIPATH)
  return undefined
}

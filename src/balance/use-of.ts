/** Sessions of a remote as policies count them. */
import type { PoolView } from './policy.js'

/** A negative number of sessions, which only a compromised worker writes, must not attract clients. */
export function useOf({ use }: PoolView, slot: number): number {
  return Math.max(0, use[slot] as number)
}

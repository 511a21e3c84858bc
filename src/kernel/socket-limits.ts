/** System-wide TCP settings, for checks of a configuration (tcp(7)). */
import { readFileSync } from 'node:fs'

/** Bits of net.ipv4.tcp_fastopen (tcp(7)). */
const FAST_OPEN_CLIENT = 1
const FAST_OPEN_SERVER = 2

/** The sides of TCP Fast Open that the system allows; both if the setting cannot be read. */
export function fastOpenSides(path = '/proc/sys/net/ipv4/tcp_fastopen'): {
  readonly client: boolean
  readonly server: boolean
} {
  const text = readText(path).trim()
  const mask = text === '' ? FAST_OPEN_CLIENT | FAST_OPEN_SERVER : Number(text)
  return { client: (mask & FAST_OPEN_CLIENT) !== 0, server: (mask & FAST_OPEN_SERVER) !== 0 }
}

/** The congestion control algorithms that the kernel has loaded. */
export function congestionAlgorithms(path = '/proc/sys/net/ipv4/tcp_available_congestion_control'): string {
  return readText(path).trim()
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

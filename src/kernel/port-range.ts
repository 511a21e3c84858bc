import { readFileSync } from 'node:fs'

/** The ports that the kernel picks from for a connection without a port of its own. */
export function ephemeralPorts(path = '/proc/sys/net/ipv4/ip_local_port_range'): {
  readonly least: number
  readonly most: number
} {
  const [least = Number.NaN, most = Number.NaN] = readText(path).trim().split(/\s+/).map(Number)
  // Where the kernel does not say, every port may be one of them.
  return Number.isInteger(least) && Number.isInteger(most) ? { least, most } : { least: 1, most: 65_535 }
}

/** The first port that needs no CAP_NET_BIND_SERVICE. */
export function unprivilegedPortStart(path = '/proc/sys/net/ipv4/ip_unprivileged_port_start'): number {
  const text = readText(path).trim()
  return /^\d+$/.test(text) ? Number(text) : 1024
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** Port ranges of the kernel, for checks of a configuration. */
import { readFileSync } from 'node:fs'

/** The ephemeral ports (ip(7)), from which the kernel assigns the local port of a connection. */
export function ephemeralPorts(path = '/proc/sys/net/ipv4/ip_local_port_range'): {
  readonly least: number
  readonly most: number
} {
  const [least = Number.NaN, most = Number.NaN] = readText(path).trim().split(/\s+/).map(Number)
  // If the range cannot be read, every port may be ephemeral.
  return Number.isInteger(least) && Number.isInteger(most) ? { least, most } : { least: 1, most: 65_535 }
}

/** The first port that can be bound without CAP_NET_BIND_SERVICE. */
export function unprivilegedPortStart(path = '/proc/sys/net/ipv4/ip_unprivileged_port_start'): number {
  const text = readText(path).trim()
  return /^\d+$/.test(text) ? Number(text) : 1024
}

/** '' if the file cannot be read, as in a sandbox without /proc. */
function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'

/**
 * Ports from which the kernel does not choose by itself (ip_local_port_range): a port for `port = 0`, or the own port of
 * a client, may be any other one, at any moment and in any process. Benchmarks use those above.
 */
const LEAST = 10_000
const MOST = 19_999

const TRIES_MAX = 100

/** Each is given once: the test that got it may not have used it yet. */
const given = new Set<number>()

/** The first of `count` consecutive ports that are free on these addresses, and stay free until somebody asks for them. */
export async function freePorts(count: number, ...hosts: readonly string[]): Promise<number> {
  const most = Math.min(MOST, leastOfKernel() - 1) - count + 1
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const first = LEAST + Math.floor(Math.random() * (most - LEAST + 1))
    const ports = Array.from({ length: count }, (_, i) => first + i)
    if (ports.some((port) => given.has(port))) continue
    const places = hosts.flatMap((host) => ports.map((port) => ({ host, port })))
    for (const port of ports) given.add(port)
    if (await areFree(places)) return first
  }
  throw new Error(`there are no ${count} free ports in a row from ${LEAST} to ${most}`)
}

/** One such port of 127.0.0.1. */
export const freePort = (): Promise<number> => freePorts(1, '127.0.0.1')

/** The least port that the kernel chooses. */
function leastOfKernel(): number {
  return Number.parseInt(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8'), 10)
}

/** Listens on all of them at once, and closes them. */
async function areFree(
  places: readonly { readonly host: string; readonly port: number }[],
): Promise<boolean> {
  const servers: Server[] = []
  try {
    for (const place of places) {
      const server = createServer().listen(place)
      await once(server, 'listening')
      servers.push(server)
    }
    return true
  } catch {
    return false // a port is in use
  } finally {
    for (const server of servers) server.close()
    await Promise.all(servers.map((server) => once(server, 'close')))
  }
}

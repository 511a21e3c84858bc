import { closeSync, openSync, readSync } from 'node:fs'
import { createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { OwnProcess } from './own-process.js'

/**
 * Below the kernel's range for outgoing connections (32768 and up), so that none of the many thousands
 * of a run can hold the port; a fresh one each time, so that none is in TIME_WAIT.
 */
const FIRST_PORT = 20_000
const LAST_PORT = 31_999
const POLL_MS = 5
/** Node takes up to half a second from cold; everything else is faster. */
const LISTEN_LIMIT_MS = 10_000
/** Listening sockets come first in the table, before connections, of which there may be very many. */
const TABLE_BYTES_MAX = 64 * 1024

let nextPort = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT))

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    nextPort = nextPort >= LAST_PORT ? FIRST_PORT : nextPort + 1
    if (await isFree(nextPort)) return nextPort
  }
  throw new Error(`no free port between ${FIRST_PORT} and ${LAST_PORT}`)
}

/** Whether the text of /proc/net/tcp or tcp6 has a socket in state LISTEN (0A) on the port. */
export function listsListener(table: string, port: number): boolean {
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0')
  return new RegExp(`^ *\\d+: [0-9A-F]+:${hexPort} [0-9A-F]+:0000 0A `, 'm').test(table)
}

function headOf(path: string): string {
  const bytes = Buffer.alloc(TABLE_BYTES_MAX)
  let filled = 0
  try {
    const fd = openSync(path, 'r')
    try {
      for (let got = 1; got > 0 && filled < bytes.length; filled += got) {
        got = readSync(fd, bytes, filled, bytes.length - filled, null)
      }
    } finally {
      closeSync(fd)
    }
  } catch {
    // A kernel without IPv6 has no tcp6.
  }
  return bytes.toString('latin1', 0, filled)
}

function isListening(port: number): boolean {
  return ['/proc/net/tcp', '/proc/net/tcp6'].some((path) => listsListener(headOf(path), port))
}

/**
 * Waits for a listener on the port. It reads the kernel's table instead of connecting: through a
 * relay a trial connection would reach the server behind it, and iperf3 takes it for a client.
 */
export async function untilListening(owner: OwnProcess, port: number): Promise<void> {
  const deadlineMs = Date.now() + LISTEN_LIMIT_MS
  while (!isListening(port)) {
    if (owner.hasExited) throw new Error(`ended before it listened: ${owner.complaint}`)
    if (Date.now() > deadlineMs) throw new Error(`does not listen on port ${port}: ${owner.complaint}`)
    await delay(POLL_MS)
  }
}

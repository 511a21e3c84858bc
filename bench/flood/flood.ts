// Connects from many addresses of 127.0.0.0/8 at a fixed rate, four times in a row from each. Arguments: PORT PER_SECOND SECONDS
// No poller is needed: over loopback the handshake is complete when connect(2) returns. Prints a line when it
// begins, and the number of connections at the end.

import { AF_INET, IP_BIND_ADDRESS_NO_PORT, IPPROTO_IP, SOCK_STREAM } from '../../src/kernel/constants.js'
import { raiseDescriptorLimit } from '../../src/kernel/limits.js'
import { linuxCalls } from '../../src/kernel/linux-calls.js'
import { mapPrivate, type Region } from '../../src/kernel/memory.js'
import { encodeAddress } from '../../src/kernel/sockaddr.js'

const ADDRESSES = 50_000
const FROM_EACH = 4
/** Connections that are open at a time; the oldest one is reset. */
const OPEN_MAX = 1_000
const TICK_MS = 2

const [, , port, perSecond, seconds] = process.argv.map(Number)
const calls = linuxCalls()
const request = region(Buffer.from('GET\n'))
const target = region(encodeAddress({ family: 'ipv4', host: '127.0.0.1', port: port ?? 0 }))
const source = region(encodeAddress({ family: 'ipv4', host: '127.16.0.0', port: 0 }))
const open: number[] = []
let connected = 0
let failed = 0

function region(bytes: Uint8Array): Region {
  const made = mapPrivate(bytes.length)
  made.bytes.set(bytes)
  return made
}

/** 127.16.0.0 and the addresses that follow. */
function setSource(index: number): void {
  source.bytes[5] = 16 + (index >> 16)
  source.bytes[6] = (index >> 8) & 0xff
  source.bytes[7] = index & 0xff
}

function connectOnce(index: number): void {
  const fd = calls.socket(AF_INET, SOCK_STREAM, 0)
  setSource(index)
  calls.setOption(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
  if (calls.bind(fd, source, 16) < 0) failed++
  calls.connect(fd, target, 16)
  if (calls.send(fd, request, 0, 4) < 0) failed++
  open.push(fd)
  if (open.length > OPEN_MAX) closeOldest()
}

function closeOldest(): void {
  const fd = open.shift()
  if (fd === undefined) return
  // Without a state TIME_WAIT, of which the kernel keeps only so many.
  calls.resetOnClose(fd)
  calls.close(fd)
}

raiseDescriptorLimit()
process.stdout.write('begun\n')
const beganMs = performance.now()
const timer = setInterval(() => {
  const elapsedMs = performance.now() - beganMs
  const due = (Math.min(elapsedMs, (seconds ?? 0) * 1e3) * (perSecond ?? 0)) / 1e3
  while (connected < due) connectOnce(Math.floor(connected++ / FROM_EACH) % ADDRESSES)
  if (elapsedMs < (seconds ?? 0) * 1e3) return
  clearInterval(timer)
  while (open.length > 0) closeOldest()
  process.stdout.write(`${JSON.stringify({ connected, failed })}\n`)
}, TICK_MS)

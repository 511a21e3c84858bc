import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Bench } from './measure.js'
import { ALL_RELAYS } from './relays/index.js'
import type { Relay } from './relays/relay.js'
import { textTable } from './report/table.js'
import { median } from './statistics.js'
import { LOAD_CORE, RELAY_CORE } from './system/cores.js'
import { readMemory } from './system/memory.js'
import type { OwnProcess } from './system/own-process.js'
import { freePort } from './system/port.js'

/** `npm run bench:start`: time from exec to the first byte that came back through the relay, and memory when idle. */

const NAMES = ['tcprelay', 'tcprelay-broker-2-cores', 'tcprelay-direct-2-cores', 'haproxy', 'nginx']
const STARTS = Number(process.argv[2] ?? 9)
const RETRY_MS = 2
const START_LIMIT_MS = 10_000
/** Until memory that only the start needed is freed. */
const IDLE_MS = 1_500

interface Start {
  readonly ms: number
  readonly megabytes: number
}

async function openEcho(): Promise<Server> {
  const server = createServer((socket) => socket.on('error', () => {}).pipe(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

/** Whether a byte comes back through the port. */
function isRelayed(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {}).on('close', () => resolve(false))
    socket.on('data', () => {
      resolve(true)
      socket.destroy()
    })
    socket.write('x')
  })
}

async function untilRelayed(relay: OwnProcess, port: number): Promise<void> {
  const deadlineMs = performance.now() + START_LIMIT_MS
  while (!(await isRelayed(port))) {
    if (relay.hasExited || performance.now() > deadlineMs) throw new Error(relay.complaint)
    await delay(RETRY_MS)
  }
}

async function startOnce(relay: Relay, remotePort: number): Promise<Start> {
  const bench = new Bench()
  try {
    const listenPort = await freePort()
    const dir = join(bench.dir, 'relay')
    const site = { listenPort, remoteHost: '127.0.0.1', remotePort, dir, certificate: undefined }
    const launch = relay.launch(site)
    const beganMs = performance.now()
    const started = bench.start('relay', launch, `${RELAY_CORE},${LOAD_CORE}`)
    await untilRelayed(started, listenPort)
    const ms = performance.now() - beganMs
    await delay(IDLE_MS)
    return { ms, megabytes: readMemory(started.pid).ownBytes / 2 ** 20 }
  } finally {
    await bench.clear()
  }
}

const server = await openEcho()
const { port } = server.address() as AddressInfo
const relays = ALL_RELAYS.filter((relay) => NAMES.includes(relay.name) && relay.detect().isPresent)
const starts = new Map<Relay, Start[]>(relays.map((relay) => [relay, []]))
for (let i = 0; i < STARTS; i++) {
  for (const relay of relays) starts.get(relay)?.push(await startOnce(relay, port))
}
server.close()
const rows = [...starts].map(([{ name, setting }, its]) => [
  name,
  median(its.map(({ ms }) => ms)).toFixed(0),
  Math.min(...its.map(({ ms }) => ms)).toFixed(0),
  median(its.map(({ megabytes }) => megabytes)).toFixed(1),
  setting,
])
console.log(textTable([['relay', 'ms median', 'ms least', 'MiB of its own', 'setting'], ...rows]))

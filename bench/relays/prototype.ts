// The data path without the configuration language, for measurements. Arguments: LISTENPORT REMOTEHOST:REMOTEPORT
import { openListener } from '../../src/accept/bind.js'
import { PLAIN_LISTENER } from '../../src/accept/options.js'
import { EVERYBODY } from '../../src/admission/access-list.js'
import { createCells } from '../../src/cells/cells.js'
import { Reactor } from '../../src/engine/build-reactor.js'
import { NO_TLS } from '../../src/engine/tls-settings.js'
import { raiseDescriptorLimit } from '../../src/kernel/limits.js'
import { linuxSystem } from '../../src/kernel/linux-system.js'
import { openEpoll } from '../../src/reactor/epoll.js'
import { PLAIN_REMOTE } from '../../src/relay/remote-options.js'
import { PIPE_BYTES_MAX } from '../../src/relay/transfer/pipes.js'
import { SPLICE_POLICIES } from '../../src/relay/transfer/splice-policies.js'

const [listenPort = '', remote = ''] = process.argv.slice(2)
const [host = '', port = ''] = remote.split(':')
const system = linuxSystem()
const shape = { children: 1, remotes: 1, listeners: 1, ringBytes: 64 * 1024 }
const keepAlive = { isOn: true, idleS: 0, intervalS: 0, count: 0 }
const reactor = new Reactor(
  {
    cells: { fds: createCells(shape).fdsOf(0), shape },
    childSlot: 0,
    listenerNames: [listenPort],
    listenerSlots: [0],
    realms: [],
    listenerQueues: [],
    accessTable: EVERYBODY,
    identityRules: [],
    overload: 'queue',
    remotes: [
      {
        name: remote,
        weight: 1,
        addresses: [{ family: 'ipv4', host, port: Number(port) }],
        tlsClient: undefined,
        options: PLAIN_REMOTE,
      },
    ],
    tls: NO_TLS,
    relay: {
      connectTimeoutMs: 10_000,
      dialTimeoutMs: 30_000,
      dialRetries: 3,
      idleTimeoutMs: 0,
      halfCloseTimeoutMs: 0,
      keepAlive,
      splice: SPLICE_POLICIES.auto,
      localAddress: undefined,
      localPorts: 0,
      mptcpListeners: [],
      ephemeralPorts: { least: 32_768, most: 60_999 },
      retireLimit: 0,
      hasAccessLog: false,
      asks: undefined,
      notesPeers: false,
    },
    pipes: { pipesMax: 32, pipeBytes: PIPE_BYTES_MAX },
    rebalance: 0,
    sessionsMax: Math.floor((raiseDescriptorLimit() - 50) / 2),
    ticketKeys: [],
    staples: [],
    wakeupFd: undefined,
    wireEnd: undefined,
    mechanism: 'epoll',
    traceMask: 0,
  },
  system,
  openEpoll(),
  () => {},
)
const fd = openListener(system.calls, {
  address: { family: 'ipv4', host: '127.0.0.1', port: Number(listenPort) },
  backlog: 1024,
  keepAlive,
  ...PLAIN_LISTENER,
})
if (fd < 0) throw new Error(`cannot listen: ${fd}`)
reactor.handle({ kind: 'listen', slot: 0, fd, socketKind: 'tcp' })
reactor.loop.run()

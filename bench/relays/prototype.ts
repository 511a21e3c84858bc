// The data path without the configuration language, for measurements. Arguments: LISTENPORT REMOTEHOST:REMOTEPORT

import { openListener } from '../../src/accept/bind.js'
import { PLAIN_LISTENER } from '../../src/accept/options.js'
import { createCells } from '../../src/cells/cells.js'
import { NO_LIMITS } from '../../src/cells/limit-memory.js'
import { Reactor } from '../../src/engine/build-reactor.js'
import { NO_LIVE_STATE } from '../../src/engine/live-state.js'
import { raiseDescriptorLimit } from '../../src/kernel/limits.js'
import { linuxSystem } from '../../src/kernel/linux-system.js'
import { openEpoll } from '../../src/reactor/epoll.js'
import { DEFAULT_SESSION_OPTIONS } from '../../src/relay/session-options.js'
import { PIPE_BYTES_MAX } from '../../src/relay/transfer/pipes.js'
import { listenerPlan, planOf, remotePlan } from '../../test/support/plans.js'

const [listenPort = '', remote = ''] = process.argv.slice(2)
const [host = '', port = ''] = remote.split(':')
const system = linuxSystem()
const shape = { children: 1, remotes: 1, listeners: 1, pools: 1, ringBytes: 64 * 1024 }
const plan = planOf({
  listeners: [listenerPlan(listenPort)],
  remotes: [remotePlan(remote, [{ family: 'ipv4', host, port: Number(port) }])],
})
const reactor = new Reactor(
  {
    plan,
    live: NO_LIVE_STATE,
    cells: { fds: createCells(shape).fdsOf(0), shape },
    sticky: [],
    limits: NO_LIMITS,
    childSlot: 0,
    sessionsMax: Math.floor((raiseDescriptorLimit() - 50) / 2),
    wakeupFd: undefined,
    traceMask: 0,
    wireEnd: undefined,
    pipes: { pipesMax: 32, pipeBytes: PIPE_BYTES_MAX },
  },
  system,
  openEpoll(),
  () => {},
)
const fd = openListener(system.calls, {
  address: { family: 'ipv4', host: '127.0.0.1', port: Number(listenPort) },
  backlog: 1024,
  keepAlive: DEFAULT_SESSION_OPTIONS.keepAlive,
  ...PLAIN_LISTENER,
})
if (fd < 0) throw new Error(`cannot listen: ${fd}`)
reactor.handle({ kind: 'listen', slot: 0, fd, socketKind: 'tcp' })
reactor.loop.run()

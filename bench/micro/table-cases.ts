import { type Candidate, place } from '../../src/accept/placement.js'
import { StickyCache } from '../../src/accept/sticky-cache.js'
import { AccessList } from '../../src/admission/access-list.js'
import { compileAccess, type NetworkRule } from '../../src/admission/compile-access.js'
import { Limiter } from '../../src/admission/limiter.js'
import { parseNetwork } from '../../src/base/cidr.js'
import { localCells } from '../../src/cells/cells.js'
import { LimitTable, limitBytes } from '../../src/cells/limit-table.js'
import { type AccessRecord, accessLine } from '../../src/observe/access-line.js'
import { ACCESS, LogRingWriter } from '../../src/observe/log-ring.js'
import { INFO } from '../../src/observe/severity.js'
import { type MicroCase, SESSIONS } from './micro-case.js'

const RULES = [10, 100_000]
const CHILDREN = [2, 16]

/** What a limit adds to a connection: a token, a place that is taken and given back. Each source has its own entry. */
const limit: MicroCase = {
  name: 'limit: a token and a place of a source, among',
  sizes: [10, 1_000_000],
  isFlat: false,
  prepare(size) {
    const entries = 2 * size
    const limiter = new Limiter({
      index: 0,
      plan: {
        name: 'sources',
        position: { file: 'relay.cfg', line: 1 },
        scope: { of: 'section' },
        key: { by: 'source', ipv4Bits: 32, ipv6Bits: 64 },
        connections: 100,
        rate: { count: 100_000, withinMs: 1_000, burst: 1_000_000 },
        action: 'close',
        holdMs: 0,
        heldMax: 0,
        entries,
        ban: undefined,
      },
      table: new LimitTable(new Uint8Array(limitBytes(entries)), { childSlot: 0, held: undefined }),
      seed: 1,
      listeners: [],
      onUntracked: () => {},
    })
    const address = new Uint8Array(4)
    const words = new Uint32Array(address.buffer)
    const facts = {
      listenerSlot: 0,
      address,
      addressAt: 0,
      addressByteCount: 4,
      serverName: () => '',
      certificate: () => undefined,
    }
    let at = 0
    return (times) => {
      for (let i = 0; i < times; i++) {
        words[0] = at = at + 1 === size ? 0 : at + 1
        limiter.aim(facts)
        limiter.takeToken(1_000)
        const entry = limiter.take(1_000)
        if (entry >= 0) limiter.giveBack(entry)
      }
    }
  },
}

const placement: MicroCase = {
  name: 'placement: of a client, children',
  sizes: CHILDREN,
  isFlat: false,
  prepare(size) {
    const children = Array.from({ length: size }, (_, i): Candidate => {
      return { users: 100 + i, ownMax: 1_000, isRetiring: false }
    })
    const limits = { instancesMin: size, instancesMax: size, usersMin: 1, usersMax: 1_000 }
    return (times) => {
      let sum = 0
      for (let i = 0; i < times; i++) sum += place(children, limits)
      if (sum !== 0) throw new Error('the least used child is the first one')
    }
  },
}

const sticky: MicroCase = {
  name: 'sticky: find and note a client, among',
  sizes: SESSIONS,
  isFlat: true,
  prepare(size) {
    const cache = new StickyCache({ periodMs: 60_000, size })
    const clients = Array.from({ length: size }, (_, i) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`)
    for (const client of clients) cache.note(client, 0, 0)
    let at = 0
    return (times) => {
      for (let i = 0; i < times; i++) {
        const client = clients[at] as string
        at = at + 1 === size ? 0 : at + 1
        cache.note(client, cache.find(client, 1) ?? 0, 1)
      }
    }
  },
}

const RECORD: AccessRecord = {
  endedAtMs: 1_700_000_000_000,
  id: '0-mika1x2f-123456',
  client: '192.0.2.17:50123',
  credentials: undefined,
  via: '',
  tlvs: '',
  listener: '192.0.2.1:443',
  pool: '',
  remote: '10.0.0.2:8080',
  bytesToRemote: 1_234,
  bytesToClient: 56_789,
  failedAttempts: '',
  why: '',
  durationMs: 12.5,
  queuedMs: 0,
  reason: 'done',
  cause: '',
  rule: '',
  comment: '',
  clientTls: undefined,
  remoteTls: undefined,
  clientMptcp: undefined,
  remoteMptcp: undefined,
}

const formatting: MicroCase = {
  name: 'access log: a line put together',
  sizes: [1],
  isFlat: false,
  prepare: () => (times) => {
    let length = 0
    for (let i = 0; i < times; i++) length += accessLine(RECORD).length
    if (length === 0 && times > 0) throw new Error('no line')
  },
}

const writing: MicroCase = {
  name: 'access log: a line into the ring',
  sizes: [1],
  isFlat: false,
  prepare() {
    const cells = localCells({
      children: 1,
      remotes: 1,
      listeners: 1,
      pools: 1,
      ringBytes: 1024 * 1024,
    }).child(0)
    const ring = new LogRingWriter(cells, () => {})
    const line = accessLine(RECORD)
    return (times) => {
      for (let i = 0; i < times; i++) {
        ring.write(ACCESS, INFO, line)
        // Pretend that the head has read it.
        cells.ringHead[1] = cells.ringHead[0] as number
      }
    }
  },
}

function ruleOf(i: number): NetworkRule {
  const network = parseNetwork(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}/32`)
  if (network === undefined) throw new Error('not a network')
  return { isPermit: i % 2 === 0, isNegated: false, networks: [network] }
}

const accessList: MicroCase = {
  name: 'access list: a client, rules',
  sizes: RULES,
  isFlat: false,
  prepare(size) {
    const list = new AccessList(compileAccess(Array.from({ length: size }, (_, i) => ruleOf(i))))
    const address = Uint8Array.of(10, 0, 0, 0)
    return (times) => {
      let admitted = 0
      for (let i = 0; i < times; i++) {
        address[2] = i >> 3
        address[3] = i
        if (list.admits(address)) admitted++
      }
      if (admitted === times && times > 1) throw new Error('every other rule denies')
    }
  },
}

export const TABLE_CASES: readonly MicroCase[] = [placement, sticky, limit, formatting, writing, accessList]

/**
 * Mutated headers of both versions. TCPRELAY_PROXY_FUZZ is the number of inputs, such as 100000000, which takes some minutes;
 * TCPRELAY_TEST_SEED repeats a run.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { v2Header } from '../../../test/support/proxy-header.js'
import { proxySeed } from '../../../test/support/proxy-runs.js'
import { INCOMPLETE, MALFORMED, NO_HEADER, ProxyHeader, UNDECIDED } from './header.js'
import { readProxyHeader } from './read-header.js'
import { V1_BYTES_MAX } from './read-v1.js'

const INPUTS = Number(process.env.TCPRELAY_PROXY_FUZZ ?? 1_000_000)

const latin = (text: string) => [...Buffer.from(text, 'latin1')]
const IPV4 = { family: 0x11, source: [192, 0, 2, 7], port: 5012 }
const SSL = [0x07, 0, 0, 0, 0, 0x21, 0, 7, ...latin('TLSv1.3'), 0x22, 0, 5, ...latin('alice')]

const HEADERS: readonly Uint8Array[] = [
  ...[
    'PROXY TCP4 192.0.2.7 192.0.2.1 5012 443\r\n',
    'PROXY TCP6 2001:db8::1 ::ffff:192.0.2.1 65535 0\r\n',
    'PROXY TCP6 1:2:3:4:5:6:7:8 :: 1 2\r\n',
    'PROXY UNKNOWN anything\r\n',
  ].map((line) => Uint8Array.from(latin(line))),
  v2Header(IPV4),
  v2Header({ family: 0x21, source: [0x20, 1], port: 7 }),
  v2Header({ family: 0x31 }),
  v2Header({ command: 0, family: 0x00 }),
  v2Header({ ...IPV4, tlvs: [[0x20, SSL]] }),
  v2Header({ ...IPV4, hasChecksum: true, tlvs: [[0x02, latin('a.test')]] }),
  v2Header({
    ...IPV4,
    tlvs: [
      [0x01, latin('h2')],
      [0x05, [1, 2]],
      [0xea, [1]],
    ],
  }),
]

/** Bytes with a meaning in one of the versions, more frequent than all others. */
const TELLING = latin('\r\n :.0159afgTCPU\0\x01\x03\x20\x21\xff')

/** xorshift32: cheap, and the same everywhere. */
class Numbers {
  #state: number

  constructor(seed: number) {
    this.#state = seed | 1
  }

  next(): number {
    let x = this.#state
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    this.#state = x
    return x >>> 0
  }
}

const seed = proxySeed()

/** Longer than any header here. What follows the bytes that have arrived are leftovers of other clients: `LEFTOVER`. */
const BUFFER = new Uint8Array(512)
const LEFTOVER = 0x20

/** Writes a mutated header to BUFFER, and returns how many bytes of it have arrived. Allocates nothing. */
function mutate(numbers: Numbers): number {
  const header = HEADERS[numbers.next() % HEADERS.length] as Uint8Array
  for (let i = 0; i < header.length; i++) BUFFER[i] = header[i] as number
  for (let changes = numbers.next() & 3; changes > 0; changes--) {
    const number = numbers.next()
    const at = (number >>> 9) % header.length
    BUFFER[at] = number & 0x100 ? (TELLING[(number & 0xff) % TELLING.length] as number) : number & 0xff
  }
  // Every fourth one is cut.
  const number = numbers.next()
  const byteCount = number & 3 ? header.length : (number >>> 2) % (header.length + 1)
  BUFFER.fill(LEFTOVER, byteCount)
  return byteCount
}

/** Undefined if all is well. Called a million times: no assertion with a message that has to be built. */
function faultOf(length: number, byteCount: number, { destinationPort, port, problem, source }: ProxyHeader) {
  if (length > byteCount) return 'longer than what has arrived'
  if ((length === MALFORMED) !== (problem !== '')) return 'malformed without a problem, or the reverse'
  if (length === UNDECIDED) return byteCount < 12 ? undefined : 'a signature is shorter'
  if (length === INCOMPLETE)
    return BUFFER[0] !== 0x50 || byteCount < V1_BYTES_MAX ? undefined : 'a line that does not end'
  if (length < 0) return length === MALFORMED || length === NO_HEADER ? undefined : 'an unknown outcome'
  if (source === 'ipv4' || source === 'ipv6')
    return port >= 0 && port <= 65_535 && destinationPort >= 0 && destinationPort <= 65_535
      ? undefined
      : 'no port'
  return port === 0 ? undefined : 'a port of nobody'
}

test(`${INPUTS} mutated headers are read within their bounds (seed ${seed})`, (t) => {
  t.diagnostic(`seed ${seed}`)
  const numbers = new Numbers(seed)
  const header = new ProxyHeader()
  const found = { read: 0, malformed: 0, undecided: 0 }
  for (let i = 0; i < INPUTS; i++) {
    const byteCount = mutate(numbers)
    header.problem = ''
    const length = readProxyHeader(BUFFER, byteCount, header)
    const fault = faultOf(length, byteCount, header)
    if (fault !== undefined)
      assert.fail(`${fault}: input ${i}, ${Buffer.from(BUFFER.subarray(0, byteCount)).toString('hex')}`)
    if (length > 0) found.read++
    else if (length === MALFORMED) found.malformed++
    else found.undecided++
  }
  // Mutations that the readers never, or always, refuse would test little.
  for (const [name, count] of Object.entries(found)) assert.ok(count > INPUTS / 20, `${name}: ${count}`)
})

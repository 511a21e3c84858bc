import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { hostBytes } from '../base/address.js'
import { containsAddress, type Network, parseNetwork } from '../base/cidr.js'
import { AccessList, type AccessRule } from './access-list.js'

function network(text: string): Network {
  const parsed = parseNetwork(text)
  assert.ok(parsed, text)
  return parsed
}

/** `deny not 10.0.0.0/8, ::1` as the list has it. */
function rule(text: string): AccessRule {
  const [action, ...words] = text.split(' ')
  const isNegated = words[0] === 'not'
  const networks = words.slice(isNegated ? 1 : 0).map((word) => network(word.replace(',', '')))
  return { isPermit: action === 'permit', isNegated, networks }
}

const listOf = (...rules: readonly string[]) => new AccessList(rules.map(rule))
const admitted = (list: AccessList, ...hosts: readonly string[]) =>
  hosts.filter((host) => list.admits(hostBytes(host)))

test('without a rule everybody may connect', () => {
  assert.equal(listOf().admits(hostBytes('192.0.2.1')), true)
})

test('a list in which no rule applies rejects: one deny alone rejects everybody', () => {
  assert.deepEqual(admitted(listOf('deny 127.0.0.2'), '127.0.0.1', '127.0.0.2', '::1'), [])
  assert.deepEqual(admitted(listOf('deny 127.0.0.2', 'permit ::/0'), '127.0.0.1', '127.0.0.2', '::1'), [
    '127.0.0.1',
    '::1',
  ])
})

test('the first rule that applies decides', () => {
  const hosts = ['10.0.0.1', '10.1.0.1']
  assert.deepEqual(admitted(listOf('permit 10.0.0.0/16', 'deny 10.0.0.0/8'), ...hosts), ['10.0.0.1'])
  assert.deepEqual(admitted(listOf('deny 10.0.0.0/8', 'permit 10.0.0.0/16'), ...hosts), [])
})

test('rules of IPv4 apply to clients that a listener of IPv6 shows as mapped', () => {
  const mapped = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1)
  assert.equal(listOf('permit 10.0.0.0/8').admits(mapped), true)
  assert.equal(listOf('deny 10.0.0.0/8', 'permit ::/0').admits(mapped), false)
  assert.equal(listOf('permit ::ffff:10.0.0.0/104').admits(hostBytes('10.2.3.4')), true)
})

test('::/0 is everybody, 0.0.0.0/0 everybody of IPv4', () => {
  const hosts = ['192.0.2.1', '2001:db8::1']
  assert.deepEqual(admitted(listOf('permit ::/0'), ...hosts), hosts)
  assert.deepEqual(admitted(listOf('permit 0.0.0.0/0'), ...hosts), ['192.0.2.1'])
})

test('bits behind the prefix do not count, and a mask is as good as a length', () => {
  assert.deepEqual(admitted(listOf('permit 10.1.2.3/8'), '10.9.9.9', '11.0.0.1'), ['10.9.9.9'])
  assert.deepEqual(admitted(listOf('permit 10.0.0.0/255.255.0.0'), '10.0.9.9', '10.1.0.1'), ['10.0.9.9'])
})

test('not is of its own rule: neighbours do not become one', () => {
  const hosts = ['10.0.0.1', '10.1.0.1', '192.0.2.1']
  assert.deepEqual(admitted(listOf('deny not 10.0.0.0/8', 'permit ::/0'), ...hosts), ['10.0.0.1', '10.1.0.1'])
  assert.deepEqual(
    admitted(listOf('deny not 10.0.0.0/16', 'deny not 10.1.0.0/16', 'permit ::/0'), ...hosts),
    [],
  )
  assert.deepEqual(admitted(listOf('deny not 10.0.0.0/16, 10.1.0.0/16', 'permit ::/0'), ...hosts), [
    '10.0.0.1',
    '10.1.0.1',
  ])
})

/** How often an address is compared while `ask` has it: once for each prefix length of a step. */
function comparisons(host: string, ask: (address: Uint8Array) => void): number {
  const address = network(host).bytes
  let count = 0
  Object.defineProperty(address, 'map', {
    value(...words: Parameters<Uint8Array['map']>) {
      count++
      return Uint8Array.prototype.map.apply(address, words)
    },
  })
  ask(address)
  return count
}

const MANY = 100_000
const thirdAndFourth = (i: number) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`

test('100,000 rules are as quickly decided as two', () => {
  const rules = Array.from({ length: MANY }, (_, i) => rule(`deny ${thirdAndFourth(i)}`))
  const list = new AccessList([...rules, rule('permit ::/0')])
  const compared = [
    comparisons('10.1.134.159', (address) => assert.equal(list.admits(address), false)),
    comparisons('192.0.2.1', (address) => assert.equal(list.admits(address), true)),
  ]
  assert.deepEqual(compared, [1, 2])
})

/** Rule by rule, as the documentation reads. */
function admitsNaively(rules: readonly AccessRule[], address: Uint8Array): boolean {
  for (const { isNegated, isPermit, networks } of rules) {
    if (networks.some((network) => containsAddress(network, address)) !== isNegated) return isPermit
  }
  return rules.length === 0
}

test('what is put together for speed changes no answer', () => {
  // Few networks that lie in each other, so that rules meet.
  const some = fc.constantFrom(
    ...['::/0', '0.0.0.0/0', '10.0.0.0/8', '10.0.0.0/9', '10.0.0.1', '2001:db8::/32', '::1'].map(network),
  )
  const rules = fc.array(
    fc.record({
      isPermit: fc.boolean(),
      isNegated: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, fc.boolean()),
      networks: fc.array(some, { minLength: 1, maxLength: 3 }),
    }),
    { maxLength: 12 },
  )
  const hosts = ['10.0.0.1', '10.0.0.2', '10.200.0.1', '192.0.2.1', '2001:db8::1', '::1', '::2'].map(
    hostBytes,
  )
  fc.assert(
    fc.property(rules, (rules) => {
      const list = new AccessList(rules)
      for (const host of hosts) assert.equal(list.admits(host), admitsNaively(rules, host))
    }),
    { numRuns: 2_000 },
  )
})

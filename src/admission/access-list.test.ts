import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { cpuMs } from '../../test/support/cpu-ms.js'
import { hostBytes } from '../base/address.js'
import { type Network, parseNetwork, rangeOf } from '../base/cidr.js'
import { AccessList } from './access-list.js'
import { compileAccess, type FileRule, type NetworkRule } from './compile-access.js'

// Properties and large lists have the same ones again and again.
const networks = new Map<string, Network>()

function network(text: string): Network {
  const parsed = networks.get(text) ?? parseNetwork(text)
  assert.ok(parsed, text)
  networks.set(text, parsed)
  return parsed
}

/** `deny not 10.0.0.0/8, ::1` as the list has it. */
function rule(text: string): NetworkRule {
  const [action, ...words] = text.split(' ')
  const isNegated = words[0] === 'not'
  const ofRule = words.slice(isNegated ? 1 : 0).map((word) => network(word.replace(',', '')))
  return { isPermit: action === 'permit', isNegated, networks: ofRule }
}

const listOf = (...rules: readonly string[]) => new AccessList(compileAccess(rules.map(rule)))
const admitted = (list: AccessList, ...hosts: readonly string[]) =>
  hosts.filter((host) => list.admits(hostBytes(host)))

test('admits every client without rules', () => {
  assert.equal(listOf().admits(hostBytes('192.0.2.1')), true)
})

test('rejects clients that match no rule: a single deny rejects all', () => {
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

test('IPv4 rules apply to IPv4-mapped clients of an IPv6 listener', () => {
  const mapped = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1)
  assert.equal(listOf('permit 10.0.0.0/8').admits(mapped), true)
  assert.equal(listOf('deny 10.0.0.0/8', 'permit ::/0').admits(mapped), false)
  assert.equal(listOf('permit ::ffff:10.0.0.0/104').admits(hostBytes('10.2.3.4')), true)
})

test('::/0 matches every client, 0.0.0.0/0 every IPv4 client', () => {
  const hosts = ['192.0.2.1', '2001:db8::1']
  assert.deepEqual(admitted(listOf('permit ::/0'), ...hosts), hosts)
  assert.deepEqual(admitted(listOf('permit 0.0.0.0/0'), ...hosts), ['192.0.2.1'])
})

test('ignores bits behind the prefix, and accepts masks as well as lengths', () => {
  assert.deepEqual(admitted(listOf('permit 10.1.2.3/8'), '10.9.9.9', '11.0.0.1'), ['10.9.9.9'])
  assert.deepEqual(admitted(listOf('permit 10.0.0.0/255.255.0.0'), '10.0.9.9', '10.1.0.1'), ['10.0.9.9'])
})

test('`not` negates its own rule only, also beside adjacent networks', () => {
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

const MANY = 20_000
const host = (i: number) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`

/** Each of them would be asked in vain before the last one, if rules were asked one by one. */
const MIXTURES: readonly (readonly [string, (i: number) => string])[] = [
  ['of one kind', (i) => `deny ${host(i)}`],
  ['of both kinds in turn', (i) => `${i % 2 === 0 ? 'permit' : 'deny'} ${host(i)}`],
  ['with not', (i) => (i % 2 === 0 ? 'deny not ::/0' : `permit ${host(i)}`)],
  ['of every prefix length', (i) => `${i % 3 === 0 ? 'permit' : 'deny'} ${host(i)}/${32 - (i % 20)}`],
]

for (const [what, text] of MIXTURES) {
  test(`20,000 rules ${what} are decided as quickly as two`, () => {
    const rules = Array.from({ length: MANY }, (_, i) => rule(text(i)))
    const list = new AccessList(compileAccess([...rules, rule('permit ::/0')]))
    const address = hostBytes('192.0.2.1')
    const tookMs = cpuMs(() => {
      for (let i = 0; i < 10_000; i++) assert.equal(list.admits(address), true)
    })
    // One by one it would take longer than ten seconds.
    assert.ok(tookMs < 2_000)
  })
}

test('names the rejecting rule, also between adjacent ranges with the same answer', () => {
  const rules = ['deny 10.0.0.0/9', 'permit 10.128.0.0/10', 'deny 10.0.0.0/8', 'permit ::1']
  const placed = rules.map((text, i) => ({ ...rule(text), position: { file: 'x.cfg', line: i + 1 } }))
  const list = new AccessList(compileAccess(placed))
  const ruleFor = (host: string) => (list.admits(hostBytes(host)) ? 'permitted' : list.rule)
  assert.deepEqual(['10.0.0.1', '10.128.0.1', '10.255.0.1', '192.0.2.1', '::1'].map(ruleFor), [
    'x.cfg:1',
    'permitted',
    'x.cfg:3',
    'none',
    'permitted',
  ])
})

/** `deny 10.0.0.0/8, ::1`: entries of a file, one per line. */
function fileRule(text: string): FileRule {
  const { isNegated, isPermit, networks } = rule(text)
  return inFile('list.txt', networks, { isPermit, isNegated })
}

function inFile(
  file: string,
  networks: readonly Network[],
  { isNegated, isPermit }: Pick<FileRule, 'isNegated' | 'isPermit'>,
): FileRule {
  const ranges = networks.map(rangeOf)
  const bounds = Uint8Array.from(ranges.flatMap(({ first, last }) => [...first, ...last]))
  const entries = { bounds, lines: Int32Array.from(networks, (_, i) => i + 1) }
  return { isPermit, isNegated, file, entries, position: { file: 'x.cfg', line: 9 } }
}

test('entries of files are rules at the place of the file, each with its own name', () => {
  const list = new AccessList(
    compileAccess([
      rule('permit 10.0.0.1'),
      fileRule('deny 192.0.2.0/25, 10.0.0.0/8, 10.0.0.0/16'),
      rule('permit ::/0'),
    ]),
  )
  const ruleFor = (host: string) => (list.admits(hostBytes(host)) ? 'permitted' : list.rule)
  assert.deepEqual(['10.0.0.1', '10.0.0.2', '10.9.0.1', '192.0.2.1', '192.0.2.200'].map(ruleFor), [
    'permitted',
    'list.txt:2',
    'list.txt:2',
    'list.txt:1',
    'permitted',
  ])
})

test('a negated file is one rule, with the name of its directive', () => {
  const list = new AccessList(
    compileAccess([fileRule('deny not 192.0.2.0/24, 10.0.0.0/8'), rule('permit ::/0')]),
  )
  const ruleFor = (host: string) => (list.admits(hostBytes(host)) ? 'permitted' : list.rule)
  assert.deepEqual(['10.0.0.1', '192.0.2.9', '192.0.3.1'].map(ruleFor), ['permitted', 'permitted', 'x.cfg:9'])
})

test('a file without entries matches nobody, negated everybody', () => {
  const empty = (isNegated: boolean) => inFile('empty', [], { isPermit: true, isNegated })
  assert.equal(new AccessList(compileAccess([empty(false)])).admits(hostBytes('10.0.0.1')), false)
  assert.equal(new AccessList(compileAccess([empty(true)])).admits(hostBytes('10.0.0.1')), true)
})

function contains({ bytes, prefixBits }: Network, address: Uint8Array): boolean {
  const mapped = address.length === 16 ? address : Uint8Array.of(...MAPPED_PREFIX, ...address)
  return mapped.every((byte, i) => {
    const mask = 0xff00 >> Math.min(8, Math.max(0, prefixBits - i * 8))
    return (byte & mask & 0xff) === bytes[i]
  })
}

const MAPPED_PREFIX = hostBytes('::ffff:0.0.0.0').subarray(0, 12)

/** Rule by rule, as the documentation reads. */
function admitsNaively(rules: readonly NetworkRule[], address: Uint8Array): boolean {
  for (const { isNegated, isPermit, networks } of rules) {
    if (networks.some((network) => contains(network, address)) !== isNegated) return isPermit
  }
  return rules.length === 0
}

const AROUND = [
  ...[
    '0.0.0.0',
    '9.255.255.255',
    '10.0.0.0',
    '10.0.0.1',
    '10.0.0.2',
    '10.127.255.255',
    '10.128.0.0',
    '11.0.0.0',
  ],
  ...['192.0.2.1', '255.255.255.255', '::', '::1', '::2', '::fffe:ffff:ffff', '::1:0:0:0', '2001:db7:ffff::'],
  ...['2001:db8::1', '2001:db9::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
].map(hostBytes)

test('compiled ranges give the same answers as the rules', () => {
  const chosen = fc.constantFrom(
    // They lie in each other and beside each other, so that rules meet.
    ...[
      '::/0',
      '0.0.0.0/0',
      '10.0.0.0/8',
      '10.0.0.0/9',
      '10.128.0.0/9',
      '10.0.0.1',
      '2001:db8::/32',
      '::1',
      '::/1',
    ],
    ...['8000::/1', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '::/128'],
  )
  const anywhere = fc
    .tuple(fc.constantFrom('10.0.0.0', '10.127.255.254', '2001:db8::', 'ffff::'), fc.nat(32))
    .map(([base, bits]) => `${base}/${bits}`)
  const rules = fc.array(
    fc.record({
      isPermit: fc.boolean(),
      isNegated: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, fc.boolean()),
      networks: fc.array(fc.oneof(chosen, anywhere).map(network), { minLength: 1, maxLength: 3 }),
    }),
    { maxLength: 12 },
  )
  // fast-check prints the seed of a run that fails.
  fc.assert(
    fc.property(rules, (rules) => {
      const list = new AccessList(compileAccess(rules))
      // Every other rule in a file: that changes nothing.
      const mixed = rules.map((rule, i) => (i % 2 === 0 ? rule : inFile('list.txt', rule.networks, rule)))
      const mixedList = new AccessList(compileAccess(mixed))
      for (const address of AROUND) {
        assert.equal(list.admits(address), admitsNaively(rules, address))
        assert.equal(mixedList.admits(address), list.admits(address))
      }
    }),
    { numRuns: 2_000 },
  )
})

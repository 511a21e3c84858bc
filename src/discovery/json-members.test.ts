import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readMembers } from './json-members.js'
import { SourceFailure } from './source-failure.js'

function problemOf(value: unknown): string {
  try {
    readMembers(value)
  } catch (error) {
    assert.ok(error instanceof SourceFailure)
    return error.message
  }
  return 'none'
}

test('reads all forms of members', () => {
  const members = readMembers([
    '10.0.0.1:8080',
    '[2001:DB8::0:1]:80',
    'www.example.com:443',
    { address: '10.0.0.2', port: 81, name: 'a', weight: 0, tier: 3 },
    { address: '::1', port: 82, backup: true, comment: 'ignored' },
    { address: 'fe80::1%eth0', port: 83, weight: null, tier: null, name: null },
  ])
  const none = { weight: undefined, tier: undefined }
  assert.deepEqual(members, [
    { name: '10.0.0.1:8080', hosts: ['10.0.0.1'], port: 8080, ...none },
    { name: '[2001:db8::1]:80', hosts: ['2001:db8::1'], port: 80, ...none },
    { name: 'www.example.com:443', hosts: ['www.example.com'], port: 443, ...none },
    { name: 'a', hosts: ['10.0.0.2'], port: 81, weight: 0, tier: 3 },
    { name: '[::1]:82', hosts: ['::1'], port: 82, weight: undefined, tier: 1 },
    { name: '[fe80::1%eth0]:83', hosts: ['fe80::1%eth0'], port: 83, ...none },
  ])
  assert.deepEqual(readMembers({ members: [] }), [])
  assert.equal(readMembers({ members: ['a:1'] }).length, 1)
})

test('names the place of an error', () => {
  const at = (extra: object) => problemOf([{ address: '10.0.0.1', port: 1, ...extra }])
  assert.equal(problemOf(1), 'the document: expected an object, but got 1')
  assert.equal(problemOf(null), 'the document: expected an object, but got null')
  assert.equal(problemOf({}), 'members: expected an array')
  assert.equal(problemOf({ members: 'a:1' }), 'members: expected an array, but got "a:1"')
  assert.equal(problemOf([1]), 'members[0]: expected an address with a port, or an object, but got 1')
  assert.equal(problemOf(['10.0.0.1']), 'members[0]: expected HOST:PORT, but got "10.0.0.1"')
  assert.equal(problemOf(['::1:80']), 'members[0]: expected HOST:PORT, but got "::1:80"')
  assert.equal(problemOf(['[10.0.0.1]:80']), 'members[0]: expected HOST:PORT, but got "[10.0.0.1]:80"')
  assert.equal(problemOf(['a:0']), 'members[0]: expected 1 … 65535, but got 0')
  assert.equal(problemOf(['a:65536']), 'members[0]: expected 1 … 65535, but got 65536')
  assert.equal(at({ port: 0 }), 'members[0].port: expected 1 … 65535, but got 0')
  assert.equal(at({ port: '80' }), 'members[0].port: expected 1 … 65535, but got "80"')
  assert.equal(at({ port: undefined }), 'members[0].port: expected 1 … 65535')
  assert.equal(at({ weight: -1 }), 'members[0].weight: expected 0 … 65535, but got -1')
  assert.equal(at({ weight: 1.5 }), 'members[0].weight: expected 0 … 65535, but got 1.5')
  assert.equal(at({ tier: 256 }), 'members[0].tier: expected 0 … 255, but got 256')
  assert.equal(at({ backup: 1 }), 'members[0].backup: expected true or false, but got 1')
  assert.equal(at({ tier: 0, backup: true }), "members[0] has both 'tier' and 'backup'")
  assert.equal(at({ name: '' }), 'members[0].name: expected 1 to 255 characters, but got ""')
  assert.equal(at({ name: {} }), 'members[0].name: expected a text, but got an object')
  const noHost = 'members[0].address: expected an IP address or a host name'
  assert.equal(at({ address: undefined }), noHost)
  assert.equal(at({ address: '10.0.0.256' }), `${noHost}, but got "10.0.0.256"`)
  assert.equal(at({ address: 'a b' }), `${noHost}, but got "a b"`)
  assert.equal(at({ address: '' }), `${noHost}, but got ""`)
  assert.equal(at({ address: [] }), `${noHost}, but got an array`)
  const twice = 'members[2]: expected another name than that of members[0], but got "10.0.0.1:1"'
  assert.equal(problemOf(['10.0.0.1:1', 'b:1', { address: '10.0.0.1', port: 1 }]), twice)
  assert.equal(problemOf(Array(65_537).fill('a:1')), 'more than 65536 members')
})

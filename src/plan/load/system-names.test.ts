import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { systemNames } from './system-names.js'

const folder = mkdtempSync(join(tmpdir(), 'tcprelay-names-'))
after(() => rmSync(folder, { recursive: true }))
writeFileSync(join(folder, 'passwd'), 'root:x:0:0:root:/root:/bin/sh\njoe:x:1000:1001::/:\nbad:x:y:z::/:\n')
writeFileSync(join(folder, 'group'), 'root:x:0:\nstaff:x:50:joe\n')
writeFileSync(
  join(folder, 'services'),
  '# comment\nssh\t22/tcp # remote\nhttp 80/tcp www # web\nntp 123/udp\n',
)

const asked: string[] = []
const names = systemNames(folder, (database, key) => {
  asked.push(`${database} ${key}`)
  return key === 'ldap' ? 'ldap:x:5000:5001::/:' : undefined
})

test('finds users and groups in the files', () => {
  assert.deepEqual(names.user('joe'), { uid: 1000, gid: 1001 })
  assert.equal(names.group('staff'), 50)
  assert.equal(names.user('jo'), undefined)
  assert.equal(names.user('bad'), undefined)
})

test('finds services by name or alias, by protocol', () => {
  assert.equal(names.service('ssh', 'tcp'), 22)
  assert.equal(names.service('www', 'tcp'), 80)
  assert.equal(names.service('ntp', 'tcp'), undefined)
  assert.equal(names.service('remote', 'tcp'), undefined)
})

test('queries the system for names that are in no file', () => {
  assert.deepEqual(names.user('ldap'), { uid: 5000, gid: 5001 })
  assert.ok(asked.includes('passwd ldap'))
  assert.ok(!asked.includes('passwd joe'))
})

test('finds root on the real system, and passes no name as an option', () => {
  assert.deepEqual(systemNames().user('root'), { uid: 0, gid: 0 })
  assert.equal(systemNames().user('--help'), undefined)
  assert.equal(systemNames().platform, systemNames().platform.toLowerCase())
})

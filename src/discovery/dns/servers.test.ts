import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { temporaryFolder } from '../../../test/harness/clean-up.js'
import { formatAddress } from '../../base/address.js'
import { systemServers } from './servers.js'

test('reads the servers of the system each time', async (t) => {
  const path = `${temporaryFolder(t)}/resolv.conf`
  const servers = async () => (await systemServers(path)).map(formatAddress)
  assert.deepEqual(await servers(), ['127.0.0.1:53'])
  writeFileSync(path, '# nameserver 10.0.0.9\nsearch example.test\noptions ndots:5\n')
  assert.deepEqual(await servers(), ['127.0.0.1:53'])
  writeFileSync(path, 'nameserver 10.0.0.1 # a\n nameserver\tfe80::1%eth0\nnameserver host\nnameserver ::1')
  assert.deepEqual(await servers(), ['10.0.0.1:53', '[fe80::1%eth0]:53', '[::1]:53'])
})

test('a file that cannot be read is a failure', async (t) => {
  const path = temporaryFolder(t)
  await assert.rejects(systemServers(path), { message: `cannot read ${path}: error 21` })
})

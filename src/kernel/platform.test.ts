import assert from 'node:assert/strict'
import { test } from 'node:test'
import { epollLayout } from './epoll-layout.js'
import { thisPlatform, unsupportedReason } from './platform.js'

const GOOD = { os: 'linux', arch: 'x64', nodeVersion: '20.0.0' }

test('supports Linux on x64 and arm64 with Node 20 and later', () => {
  for (const arch of ['x64', 'arm64']) {
    for (const nodeVersion of ['20.0.0', '22.23.3', '26.10.0', '100.0.0']) {
      assert.equal(unsupportedReason({ ...GOOD, arch, nodeVersion }), undefined)
    }
  }
  assert.equal(unsupportedReason(thisPlatform()), undefined)
})

test('rejects other platforms with a message that names the requirement', () => {
  const reasons = [
    unsupportedReason({ ...GOOD, nodeVersion: '18.20.8' }),
    unsupportedReason({ ...GOOD, nodeVersion: '9.0.0' }),
    unsupportedReason({ ...GOOD, os: 'darwin' }),
    unsupportedReason({ ...GOOD, arch: 'ia32' }),
  ]
  assert.deepEqual(reasons, [
    'tcprelay needs Node.js 20 or later, this is 18.20.8',
    'tcprelay needs Node.js 20 or later, this is 9.0.0',
    'tcprelay runs on Linux only, this is darwin',
    'tcprelay supports x64 and arm64 only, this is ia32',
  ])
})

test('struct epoll_event is packed on x86-64 only', () => {
  assert.deepEqual(epollLayout('x64'), { eventBytes: 12, dataOffset: 4 })
  assert.deepEqual(epollLayout('arm64'), { eventBytes: 16, dataOffset: 8 })
})

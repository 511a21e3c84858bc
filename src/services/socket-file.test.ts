import assert from 'node:assert/strict'
import {
  chmodSync,
  lstatSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { calls } from '../../test/support/sockets.js'
import { AF_UNIX, SOCK_STREAM } from '../kernel/constants.js'
import { countOpenDescriptors } from '../kernel/limits.js'
import { unmap } from '../kernel/memory.js'
import { nativeAddress } from '../kernel/sockaddr.js'
import { ownSocketFile, removeSocketFile, removeStaleSocket, withMode } from './socket-file.js'

const JOE = 54_321
const NOBODY_ELSE = { mode: undefined, uid: undefined, gid: undefined }
const isRoot = process.geteuid?.() === 0

const folder = mkdtempSync(join(tmpdir(), 'socket-file-'))
const openBefore = countOpenDescriptors()
after(() => {
  rmSync(folder, { recursive: true })
  assert.equal(countOpenDescriptors(), openBefore, 'descriptors are left open')
})

/** Leaves a bound socket file without a listener. */
function boundAt(path: string): number {
  const fd = calls.socket(AF_UNIX, SOCK_STREAM, 0)
  const address = nativeAddress({ family: 'unix', path })
  assert.equal(calls.bind(fd, address.region, address.byteLength), 0)
  unmap(address.region)
  return fd
}

/** What the owner of the directory does while a socket is being set up in it. */
function swapForLink(path: string): string {
  const victim = `${path}.victim`
  writeFileSync(victim, 'precious')
  chmodSync(victim, 0o600)
  renameSync(path, `${path}.away`)
  symlinkSync(victim, path)
  return victim
}

for (const mode of [0o600, 0o660, 0o777]) {
  test(`binds a socket with mode ${mode.toString(8)} from the start`, () => {
    const path = join(folder, `mode-${mode}`)
    const umask = process.umask()
    const fd = withMode({ ...NOBODY_ELSE, mode }, () => boundAt(path))
    assert.equal(statSync(path).mode & 0o777, mode)
    assert.equal(process.umask(), umask)
    calls.close(fd)
  })
}

test('sets the owner of a socket file and removes it', { skip: !isRoot }, () => {
  const path = join(folder, 'owned')
  const fd = boundAt(path)
  const file = ownSocketFile(fd, path, { mode: undefined, uid: JOE, gid: JOE })
  assert.deepEqual([statSync(path).uid, statSync(path).gid], [JOE, JOE])
  removeSocketFile(file)
  assert.equal(lstatSync(path, { throwIfNoEntry: false }), undefined)
  removeSocketFile(file)
  calls.close(fd)
})

test('does not follow a link that replaced the socket', { skip: !isRoot }, () => {
  const path = join(folder, 'swapped')
  const fd = boundAt(path)
  const victim = swapForLink(path)
  // With CAP_NET_ADMIN the kernel reports which file is the socket's; without it the call throws.
  try {
    ownSocketFile(fd, path, { mode: undefined, uid: JOE, gid: JOE })
    assert.equal(statSync(`${path}.away`).uid, JOE)
  } catch (error) {
    assert.match(String(error), /is not the socket that was bound there/)
  }
  assert.deepEqual([statSync(victim).uid, statSync(victim).mode & 0o777], [0, 0o600])
  calls.close(fd)
})

test('does not remove a file that replaced the socket', () => {
  const path = join(folder, 'replaced')
  const fd = boundAt(path)
  const file = ownSocketFile(fd, path, NOBODY_ELSE)
  const victim = swapForLink(path)
  removeSocketFile(file)
  assert.ok(lstatSync(path).isSymbolicLink())
  assert.ok(statSync(victim).isFile())
  calls.close(fd)
})

test('treats only sockets without a listener as stale', () => {
  const path = join(folder, 'stale')
  const fd = boundAt(path)
  calls.listen(fd, 1)
  assert.equal(removeStaleSocket(calls, path), false)
  calls.close(fd)
  assert.equal(removeStaleSocket(calls, path), true)
  writeFileSync(path, 'a file')
  assert.equal(removeStaleSocket(calls, path), false)
  assert.ok(statSync(path).isFile())
})

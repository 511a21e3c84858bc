import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { countOpenDescriptors } from '../kernel/limits.js'
import { writePidfile } from './pidfile.js'

const folder = mkdtempSync(join(tmpdir(), 'pidfile-'))
const openBefore = countOpenDescriptors()
after(() => {
  rmSync(folder, { recursive: true })
  assert.equal(countOpenDescriptors(), openBefore, 'descriptors are left open')
})

test('writes the process id and a newline, and removes the file', () => {
  const path = join(folder, 'a.pid')
  const pidfile = writePidfile(path, 4711)
  assert.equal(readFileSync(path, 'utf8'), '4711\n')
  assert.equal(statSync(path).mode & 0o7022, 0, 'others may not write it')
  pidfile.remove()
  assert.equal(existsSync(path), false)
})

test('overwrites a stale pidfile of any length', () => {
  const path = join(folder, 'stale.pid')
  writeFileSync(path, '123456789 and more\n')
  const pidfile = writePidfile(path, 42)
  assert.equal(readFileSync(path, 'utf8'), '42\n')
  pidfile.remove()
})

test('refuses a locked pidfile until its process has ended', async () => {
  const path = join(folder, 'held.pid')
  const script = `
    const { writePidfile } = await import('${new URL('./pidfile.js', import.meta.url).href}')
    writePidfile('${path}', 1)
    process.stdout.write('held')
    process.stdin.resume()`
  const holder = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  await once(holder.stdout, 'data')
  assert.throws(() => writePidfile(path, 2), /held\.pid is locked: another instance is running/)
  assert.equal(readFileSync(path, 'utf8'), '1\n')
  holder.kill('SIGKILL')
  await once(holder, 'close')
  const pidfile = writePidfile(path, 3)
  assert.equal(readFileSync(path, 'utf8'), '3\n')
  pidfile.remove()
})

test('does not remove a file that replaced it', () => {
  const path = join(folder, 'replaced.pid')
  const pidfile = writePidfile(path, 1)
  renameSync(path, `${path}.old`)
  writeFileSync(path, 'mine\n')
  pidfile.remove()
  assert.equal(readFileSync(path, 'utf8'), 'mine\n')
})

test('ignores a pidfile that was removed already', () => {
  const path = join(folder, 'gone.pid')
  const pidfile = writePidfile(path, 1)
  rmSync(path)
  pidfile.remove()
})

test('does not follow a symbolic link and reports bad paths', () => {
  const link = join(folder, 'link.pid')
  const victim = join(folder, 'victim')
  writeFileSync(victim, 'precious')
  symlinkSync(victim, link)
  assert.throws(() => writePidfile(link, 1), { code: 'ELOOP' })
  assert.equal(readFileSync(victim, 'utf8'), 'precious')
  assert.throws(() => writePidfile(join(folder, 'none', 'x.pid'), 1), { code: 'ENOENT' })
  assert.throws(() => writePidfile(folder, 1), { code: 'EISDIR' })
})

test('leaves no file when writing fails', () => {
  const path = join(folder, 'limited.pid')
  // RLIMIT_FSIZE 0: the shell's processes cannot write a single byte to a file.
  const script = `
    ulimit -f 0
    trap '' XFSZ
    exec '${process.execPath}' --input-type=module -e "
      const { writePidfile } = await import('${new URL('./pidfile.js', import.meta.url).href}')
      writePidfile('${path}', 1)"`
  const { status, stderr } = spawnSync('/bin/sh', ['-c', script], { encoding: 'utf8' })
  assert.equal(status, 1)
  assert.match(stderr, /EFBIG/)
  assert.equal(existsSync(path), false)
})

test('refuses a path to anything but a regular file without blocking', () => {
  const fifo = join(folder, 'fifo')
  assert.equal(spawnSync('mkfifo', [fifo]).status, 0)
  for (const path of [fifo, '/dev/null', '/dev/full'])
    assert.throws(() => writePidfile(path, 1), { message: `${path} is not a regular file` })
})

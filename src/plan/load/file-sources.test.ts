import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileSources } from './file-sources.js'

const folder = mkdtempSync(join(tmpdir(), 'tcprelay-sources-'))
after(() => rmSync(folder, { recursive: true }))

for (const name of ['b.cfg', 'a.cfg', '.hidden.cfg', 'c.txt']) writeFileSync(join(folder, name), name)
mkdirSync(join(folder, 'sub'))
writeFileSync(join(folder, 'sub', 'd.cfg'), 'd')
symlinkSync(join(folder, 'nowhere'), join(folder, 'dangling.cfg'))
symlinkSync(join(folder, 'loop'), join(folder, 'loop'))

function globbed(pattern: string): string[] {
  return fileSources.glob(`${folder}/${pattern}`).names.map((path) => path.slice(folder.length + 1))
}

test('a pattern matches files in order, without hidden files and dangling links', () => {
  assert.deepEqual(globbed('*.cfg'), ['a.cfg', 'b.cfg'])
  assert.deepEqual(globbed('.h*'), ['.hidden.cfg'])
  assert.deepEqual(globbed('{b,a,b,x}.cfg'), ['a.cfg', 'b.cfg'])
  assert.deepEqual(globbed('*/*.cfg'), ['sub/d.cfg'])
  assert.deepEqual(globbed('[!a].cfg'), ['b.cfg'])
  assert.deepEqual(globbed('nothing*'), [])
})

test('a name without a pattern matches if it exists', () => {
  assert.deepEqual(globbed('a.cfg'), ['a.cfg'])
  assert.deepEqual(globbed('x.cfg'), [])
  assert.deepEqual(fileSources.glob(''), { names: [], failures: [] })
})

test('matches a name that exists and cannot be accessed, so that reading it fails', () => {
  assert.deepEqual(globbed('loop'), ['loop'])
  assert.deepEqual(globbed('lo*'), ['loop'])
  assert.deepEqual(globbed('a.cfg/x'), ['a.cfg/x'])
  assert.deepEqual(globbed('*.cfg/x'), [])
  const { failures, names } = fileSources.glob(`${folder}/loop/*.cfg`)
  assert.deepEqual([names, failures], [[], [{ path: `${folder}/loop/`, code: 'ELOOP' }]])
})

test('reads a file of size 0 to its end', () => {
  const answer = fileSources.read('/proc/self/status')
  assert.match(
    Buffer.from(answer.ok ? answer.bytes : '').toString(),
    /^Name:.*\nnonvoluntary_ctxt_switches:.*\n$/s,
  )
})

test('reads regular files, returns an error for others, and never blocks', () => {
  const fifo = join(folder, 'fifo')
  assert.equal(spawnSync('mkfifo', [fifo]).status, 0)
  const answer = fileSources.read(join(folder, 'a.cfg'))
  assert.equal(answer.ok && Buffer.from(answer.bytes).toString(), 'a.cfg')
  assert.deepEqual(fileSources.read(join(folder, 'x.cfg')), { ok: false, code: 'ENOENT' })
  assert.deepEqual(fileSources.read(folder), { ok: false, code: 'EISDIR' })
  assert.deepEqual(fileSources.read(fifo), { ok: false, code: 'EINVAL' })
  assert.deepEqual(fileSources.read('/dev/zero'), { ok: false, code: 'EINVAL' })
})

test('rejects a file above the size limit', () => {
  const huge = join(folder, 'huge')
  writeFileSync(huge, '')
  truncateSync(huge, 65 * 2 ** 20)
  assert.deepEqual(fileSources.read(huge), { ok: false, code: 'EFBIG' })
})

test('returns type and permissions of a path', () => {
  const program = join(folder, 'program')
  writeFileSync(program, '')
  chmodSync(program, 0o755)
  assert.deepEqual(fileSources.kind(program), { type: 'file', unreadable: undefined, isExecutable: true })
  assert.equal(fileSources.kind(join(folder, 'a.cfg')).isExecutable, false)
  assert.equal(fileSources.kind(folder).type, 'directory')
  const missing = { type: 'missing', unreadable: 'ENOENT', isExecutable: false }
  assert.deepEqual(fileSources.kind(join(folder, 'x')), missing)
  assert.equal(fileSources.kind(join(folder, 'loop')).unreadable, 'ELOOP')
  assert.equal(fileSources.kind('/dev/null').type, 'other')
})

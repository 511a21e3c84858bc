import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { test } from 'node:test'
import { nativeFunction } from './ffi.js'

const CODE = `
  import { closeInherited } from '${new URL('./close-inherited.js', import.meta.url).href}'
  import { fstatSync, openSync } from 'node:fs'
  const own = openSync('/dev/null')
  closeInherited(100)
  const isOpen = (fd) => { try { fstatSync(fd); return true } catch { return false } }
  console.log(JSON.stringify([isOpen(100), isOpen(200), isOpen(own)]))
`

test('closes what was inherited above the last descriptor, and nothing of its own', () => {
  const dup2 = nativeFunction<(from: number, to: number) => number>('int dup2(int from, int to)')
  const fd = openSync('/dev/null', 'r')
  for (const copy of [100, 200]) assert.equal(dup2(fd, copy), copy)
  const words = ['--input-type=module', '-e', CODE]
  const { stderr, stdout } = spawnSync(process.execPath, words, { encoding: 'utf8' })
  for (const open of [fd, 100, 200]) closeSync(open)
  assert.equal(stderr, '')
  assert.deepEqual(JSON.parse(stdout), [true, false, true])
})

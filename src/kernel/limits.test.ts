import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { countOpenDescriptors, raiseDescriptorLimit } from './limits.js'

/** The soft limit before and after raising it twice, in a child process with these limits. */
const SCRIPT = `
  import { readFileSync } from 'node:fs'
  import { allowedDescriptors, raiseDescriptorLimit } from './limits.js'
  import { nativeFunction } from './ffi.js'
  const setrlimit = nativeFunction('int setrlimit(int resource, void *limit)')
  setrlimit(7, new BigUint64Array([200n, 900n]))
  const soft = () => /Max open files +(\\d+)/.exec(readFileSync('/proc/self/limits', 'utf8'))[1]
  console.log(soft(), allowedDescriptors(), allowedDescriptors(500), soft())
  console.log(raiseDescriptorLimit(), soft(), raiseDescriptorLimit(), soft(), raiseDescriptorLimit(500), soft())`

test('sets the soft limit to the hard limit or the given maximum', () => {
  const here = new URL('./', import.meta.url).href
  const script = SCRIPT.replaceAll("'./", `'${here}`)
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
  })
  assert.deepEqual([stdout, stderr], ['200 900 500 200\n900 900 900 900 500 500\n', ''])
})

test('reports the limit of the system', () => {
  const raised = raiseDescriptorLimit()
  const [, soft] = /Max open files +(\d+)/.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
  assert.equal(String(raised), soft)
})

test('counts open descriptors without its own', () => {
  const before = countOpenDescriptors()
  const fd = openSync('/dev/null', 'r')
  assert.equal(countOpenDescriptors(), before + 1)
  closeSync(fd)
  assert.equal(countOpenDescriptors(), before)
})

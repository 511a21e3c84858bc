import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nodeWords } from './close-inspector.js'

test('a process of ours is started so that SIGUSR1 opens nothing, or nothing that others can use', () => {
  assert.deepEqual(nodeWords(new Set(['--disable-sigusr1'])), [...process.execArgv, '--disable-sigusr1'])
  assert.deepEqual(nodeWords(new Set()), [...process.execArgv, '--inspect-publish-uid=stderr'])
})

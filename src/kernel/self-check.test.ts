import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countOpenDescriptors } from './limits.js'
import { kernelProblem } from './self-check.js'

test('finds no problem on this system', () => {
  assert.equal(kernelProblem(), undefined)
})

test('detects the layout of another architecture', () => {
  const other = process.arch === 'x64' ? 'arm64' : 'x64'
  assert.match(kernelProblem(other) ?? '', /^struct epoll_event has an unexpected layout: /)
})

test('leaks no descriptor', () => {
  const before = countOpenDescriptors()
  for (let i = 0; i < 20; i++) kernelProblem()
  assert.equal(countOpenDescriptors(), before)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countOpenDescriptors } from './limits.js'
import { kernelProblem } from './self-check.js'

test('this system is as the program takes it to be', () => {
  assert.equal(kernelProblem(), undefined)
})

test('the layout of another machine is noticed', () => {
  const other = process.arch === 'x64' ? 'arm64' : 'x64'
  assert.match(kernelProblem(other) ?? '', /^struct epoll_event has another layout: /)
})

test('the check leaves nothing open', () => {
  const before = countOpenDescriptors()
  for (let i = 0; i < 20; i++) kernelProblem()
  assert.equal(countOpenDescriptors(), before)
})

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { operationsPage } from './reference.js'

test('the committed page of the operations is up to date (npm run docs writes it)', () => {
  const page = new URL('../../../../docs/admin.md', import.meta.url)
  assert.equal(readFileSync(page, 'utf8'), operationsPage())
})

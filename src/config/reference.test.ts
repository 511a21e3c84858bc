import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { LANDED } from './landed.js'
import { referencePage } from './reference.js'

test('the committed reference page is up to date (npm run docs writes it)', () => {
  const page = new URL('../../../docs/configuration.md', import.meta.url)
  assert.equal(readFileSync(page, 'utf8'), referencePage(LANDED))
})

test('does not announce a feature that this version supports', () => {
  assert.match(referencePage(new Set()), /does not support SCTP yet/)
  assert.doesNotMatch(referencePage(new Set(['SCTP'])), /does not support SCTP yet/)
})

test('every link of the contents matches a heading', () => {
  const page = referencePage(LANDED)
  const headings = [...page.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\w\s-]/g, '')
      .trim()
      .replaceAll(' ', '-'),
  )
  for (const [, anchor] of page.matchAll(/\(#([^)]*)\)/g)) assert.ok(headings.includes(anchor ?? ''), anchor)
})

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { LANDED } from './landed.js'
import { referencePage } from './reference.js'

test('the committed reference page is what the table says (npm run docs writes it)', () => {
  const page = new URL('../../../docs/configuration.md', import.meta.url)
  assert.equal(readFileSync(page, 'utf8'), referencePage(LANDED))
})

test('a feature that has landed is no longer announced', () => {
  assert.match(referencePage(new Set()), /does not have SCTP yet/)
  assert.doesNotMatch(referencePage(new Set(['SCTP'])), /does not have SCTP yet/)
})

test('each link of the contents leads to a heading', () => {
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

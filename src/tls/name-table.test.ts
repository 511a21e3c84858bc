import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hostName, NameTable } from './name-table.js'

test('canonicalises host names and rejects other text', () => {
  assert.equal(hostName('WWW.Example.COM.'), 'www.example.com')
  assert.equal(hostName('*.example.com'), '*.example.com')
  assert.equal(hostName('_sip._tcp'), '_sip._tcp')
  for (const text of [
    '',
    '.',
    'a..b',
    '*',
    '*.',
    'a.*.b',
    'a b',
    'ä',
    'a/b',
    `${'a'.repeat(64)}.b`,
    'a.'.repeat(128),
  ])
    assert.equal(hostName(text), undefined, text)
})

test('finds an exact match, otherwise a wildcard for one label', () => {
  const table = new NameTable<number>()
  table.set('*.example.com', 1)
  table.set('www.example.com', 2)
  table.set('example.com', 3)
  const rows: Record<string, number | undefined> = {
    'www.example.com': 2,
    'WWW.EXAMPLE.com.': 2,
    'ftp.example.com': 1,
    'example.com': 3,
    'a.b.example.com': undefined,
    '.example.com': undefined,
    '*.example.com': 1,
    '': undefined,
    '.': undefined,
    com: undefined,
  }
  for (const [name, value] of Object.entries(rows)) assert.equal(table.find(name), value, name)
})

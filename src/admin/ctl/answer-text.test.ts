import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bytes, count, detail, flag, list, object, optional, seconds, text } from '../operations/schema.js'
import { answerText } from './answer-text.js'

const PLAIN = { hasColours: false, isWide: false }

const schema = object({
  isEnding: flag(''),
  bytesToRemote: bytes(''),
  uptime: seconds(''),
  missing: optional(text('')),
  rows: list(
    object({ name: text(''), count: count(''), more: detail(text('')), notes: list(text(''), '') }),
    '',
  ),
})
const value = {
  isEnding: true,
  bytesToRemote: 1_536,
  uptime: 90,
  rows: [
    { name: 'a\u001b[2J', count: 7, more: 'x', notes: ['p', 'q'] },
    { name: 'b', count: 100, notes: [] },
  ],
}

test('prints scalars one a line, and lists as tables with the columns that are no details', () => {
  assert.equal(
    answerText(schema, value, PLAIN),
    [
      'ending:          yes',
      'bytes to remote: 1.5 KiB',
      'uptime:          1 min 30 s',
      '',
      'rows:',
      'NAME      COUNT  NOTES',
      'a\\x1b[2J      7  p, q',
      'b           100  -',
      '',
    ].join('\n'),
  )
})

test('prints all columns, and bold headings, if they are wanted', () => {
  const printed = answerText(schema, value, { hasColours: true, isWide: true })
  assert.match(printed, /\n\u001b\[1mNAME +COUNT +MORE +NOTES\u001b\[0m\n/)
})

test('prints an answer that is not as the schema says without failing', () => {
  assert.equal(answerText(schema, { isEnding: 'x', rows: [3, null] }, PLAIN).includes('-'), true)
  assert.equal(answerText(schema, undefined, PLAIN), '')
})

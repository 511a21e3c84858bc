import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { foundMember as member } from '../../test/support/found-member.js'
import { savedText } from '../health/saved-state.js'
import { membersOfFile } from './members-of-file.js'

test('reads what was written', () => {
  const members = [member('a', { weight: 3 }), member('b', { hosts: ['::1', '10.0.0.2'], tier: 1 })]
  const text = [
    ...savedText(
      [],
      [
        ['web', members],
        ['"x"', []],
      ],
      0,
      0,
    ),
  ].join('')
  assert.deepEqual(
    membersOfFile(text),
    new Map([
      ['web', members],
      ['"x"', []],
    ]),
  )
})

test('a file of another form has no members', () => {
  for (const text of [
    '',
    '{',
    '[]',
    'null',
    '{"version":1,"pools":[]}',
    '{"version":1,"pools":{"web":{}}}',
    '{"version":1,"pools":{"web":[1,{"name":"a"}]}}',
    '{"version":2,"pools":{"web":[{"name":"a","hosts":["::1"],"port":80}]}}',
  ])
    assert.deepEqual([...membersOfFile(text).values()].flat(), [], text)
})

test('any text is read without an exception', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      membersOfFile(text)
      membersOfFile(`{"version":1,"pools":{"web":[${text}]}}`)
    }),
  )
})

/** SSH by its identification string. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answerTo } from '../../../test/support/first-bytes.js'
import { sniffSsh } from './ssh.js'

test('SSH is four characters, in upper case and at the beginning', () => {
  for (const [text, wanted] of [
    ['SSH', 'more'],
    ['SSH-', 'yes'],
    ['SSH-9', 'yes'],
    ['ssh-', 'no'],
    ['SSH ', 'no'],
    ['\r\nSSH-2.0-x', 'no'],
    ['hello\r\nSSH-2.0-x', 'no'],
  ] as const)
    assert.equal(answerTo(sniffSsh, text), wanted, JSON.stringify(text))
})

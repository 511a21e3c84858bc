/** MQTT by its CONNECT packet. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answerTo } from '../../../test/support/first-bytes.js'
import { sniffMqtt } from './mqtt.js'

test('a CONNECT packet has no flags, a length and one of two names', () => {
  for (const [text, wanted] of [
    ['\x10\x0c\0\x04MQTT', 'yes'],
    ['\x10\x0e\0\x06MQIsdp', 'yes'],
    ['\x10\x0e\0\x06MQIsd', 'more'],
    ['\x10\x8c\x80\x80\0\0\x04MQTT', 'yes'],
    ['\x10\xff\xff\xff\x7f\0\x04MQTT', 'yes'],
    ['\x10\xff\xff\xff', 'more'],
    ['\x10\xff\xff\xff\xff', 'no'],
    ['\x10\x0b', 'no'],
    ['\x10\x0d\0\x06', 'no'],
    ['\x10\x80\0', 'no'],
    ['\x11', 'no'],
    ['\x20', 'no'],
    ['\x10\x0c\0\x04mqtt', 'no'],
    ['\x10\x20\0\x06MQTT', 'no'],
    ['\x10\x20\x01', 'no'],
  ] as const)
    assert.equal(answerTo(sniffMqtt, text), wanted, JSON.stringify(text))
})

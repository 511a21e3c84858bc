/** The first bytes of clients of many protocols, from the documents that define them. */
import { Buffer } from 'node:buffer'
import { MORE, type Sniff, YES } from '../../src/wire/sniff/answer.js'
import type { ProtocolName } from '../../src/wire/sniff/protocol-names.js'

export interface FirstBytes {
  readonly from: string
  readonly bytes: Uint8Array
}

const latin = (from: string, text: string): FirstBytes => ({ from, bytes: Buffer.from(text, 'latin1') })
const hex = (from: string, text: string): FirstBytes => ({
  from,
  bytes: Buffer.from(text.replaceAll(/\s/g, ''), 'hex'),
})

const MSTSHASH = 'Cookie: mstshash=eltons\r\n'
const MSTS = 'Cookie: msts=3640205228.15629.0000\r\n'
const TSV = 'tsv://MS Terminal Services Plugin.1.Farm\r\n'

/** The answer to a text with one character per byte, in words. */
export function answerTo(sniff: Sniff, text: string): 'yes' | 'no' | 'more' {
  const bytes = Buffer.from(text, 'latin1')
  const answer = sniff(bytes, 0, bytes.length)
  return answer === YES ? 'yes' : answer === MORE ? 'more' : 'no'
}

/** An X.224 connection request with this variable part. */
export function rdpRequest(variable: string): Uint8Array {
  const length = 11 + variable.length
  const head = [3, 0, length >> 8, length & 255, length - 5, 0xe0, 0, 0, 0, 0, 0]
  return Uint8Array.of(...head, ...Buffer.from(variable, 'latin1'))
}

const SESSION_ID = '81 38 14 62 1d 67 46 2d'
const TIME = '62 9a 3e 77'

/** One list for each protocol but `any`. */
export const FIRST_BYTES: Readonly<Record<Exclude<ProtocolName, 'any'>, readonly FirstBytes[]>> = {
  tls: [
    hex(
      'ClientHello (RFC 8448, section 3)',
      `16030100c4010000c00303cb34ecb1e78163ba1c38c6dacb196a6dffa21a8d9912ec18a2ef6283024dece700000613011303
       13020100009100000 00b0009000006736572766572ff01000100000a00140012001d001700180019010001010102010301
       040023000000330026002 4001d002099381de560e4bd43d23d8e435a7dbafeb3c06e51c13cae4d5413691e529aaf2c002b00
       03020304000d0020001e040305030603020308040805080604010501060102010402050206020202002d00020101001c0002
       4001`,
    ),
    hex(
      'SSL 2.0 ClientHello (RFC 5246, appendix E.2)',
      `801f 01 0303 0006 0000 0010 00002f 0000ff ${'05'.repeat(16)}`,
    ),
    hex('alert in place of a ClientHello (RFC 8446, section 5.1)', '15 0303 0002 022a'),
  ],
  http2: [latin('preface (RFC 9113, section 3.4)', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')],
  ssh: [
    latin('identification string (RFC 4253, section 4.2)', 'SSH-2.0-billsSSH_3.6.3q3\r\n'),
    latin('without CR (RFC 4253, section 4.2)', 'SSH-2.0-OpenSSH_9.9\n'),
    latin('version that includes 1.x (RFC 4253, section 5.1)', 'SSH-1.99-x\r\n'),
  ],
  postgres: [
    hex(
      'StartupMessage 3.0',
      `00000017 00030000 ${Buffer.from('user\0joe\0').toString('hex')} 000000 000000`,
    ),
    hex('StartupMessage 3.2', `00000012 00030002 ${Buffer.from('user\0joe\0').toString('hex')} 00`),
    hex('SSLRequest', '00000008 04d2162f'),
    hex('GSSENCRequest', '00000008 04d21630'),
    hex('CancelRequest 3.0', '00000010 04d2162e 000004d2 12345678'),
    hex('CancelRequest 3.2', `0000002c 04d2162e 000004d2 ${'5a'.repeat(32)}`),
  ],
  rdp: [
    { from: 'cookie ([MS-RDPBCGR], section 4.1.1)', bytes: rdpRequest(`${MSTSHASH}\x01\0\x08\0\0\0\0\0`) },
    { from: 'routing token', bytes: rdpRequest(`${MSTS}\x01\0\x08\0\x03\0\0\0`) },
    { from: 'routing token of another form', bytes: rdpRequest(TSV) },
    { from: 'negotiation alone', bytes: rdpRequest('\x01\0\x08\0\x0b\0\0\0') },
    { from: 'nothing more', bytes: rdpRequest('') },
  ],
  mqtt: [
    latin('MQTT 3.1.1, section 3.1', '\x10\x13\0\x04MQTT\x04\x02\0\x0a\0\x07meter-1'),
    latin('MQTT 5.0, section 3.1', '\x10\x19\0\x04MQTT\x05\x02\0\x0a\x05\x11\0\0\0\x0a\0\x07meter-1'),
    latin('MQTT 3.1, section 3.1', '\x10\x15\0\x06MQIsdp\x03\x02\0\x0a\0\x07meter-1'),
    latin('a bridge', '\x10\x13\0\x04MQTT\x84\x02\0\x0a\0\x07meter-1'),
    latin('a long packet (section 2.2.3)', `\x10\x8d\x02\0\x04MQTT\x04\xc2\0\x0a\0\x01m${'x'.repeat(256)}`),
  ],
  http: [
    latin('RFC 9112, section 3', 'GET /where?q=now HTTP/1.1\r\nHost: www.example.org\r\n\r\n'),
    latin('absolute-form (section 3.2.2)', 'GET http://www.example.org/pub/WWW/ HTTP/1.1\r\n'),
    latin('authority-form (section 3.2.3)', 'CONNECT www.example.com:80 HTTP/1.1\r\n'),
    latin('asterisk-form (section 3.2.4)', 'OPTIONS * HTTP/1.1\r\n'),
    latin('after an empty line (section 2.2)', '\r\nPOST /a HTTP/1.0\r\n'),
    latin('a method of WebDAV (RFC 4918, section 9.1)', 'PROPFIND /container/ HTTP/1.1\r\n'),
    latin('a method that nobody knows', 'x-Do_1! /a%20b HTTP/1.1\r\n'),
  ],
  redis: [
    latin('array (RESP, "Sending commands")', '*2\r\n$4\r\nLLEN\r\n$6\r\nmylist\r\n'),
    latin('HELLO of a client', '*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n'),
    latin('many arguments', '*1048576\r\n$4\r\nMSET\r\n'),
    latin('inline PING', 'PING\r\n'),
    latin('inline ping without CR', 'ping\n'),
    latin('inline AUTH', 'AUTH default secret\r\n'),
    latin('inline HELLO', 'hello 3 AUTH default secret\r\n'),
  ],
  socks: [
    hex('version 5 (RFC 1928, section 3)', '05 01 00'),
    hex('version 5 with three methods', '05 03 00 01 02'),
    hex('version 4', '04 01 0050 4266 075f 4672656400'),
    hex('version 4 without a user, BIND', '04 02 0016 c0000207 00'),
    hex('version 4A', '04 01 0050 00000001 4672656400 6578616d706c652e636f6d00'),
  ],
  openvpn: [
    hex('plain', `000e 38 ${SESSION_ID} 00 00000000`),
    hex('tls-auth, SHA-1', `002a 38 ${SESSION_ID} ${'c3'.repeat(20)} 00000001 ${TIME} 00 00000000`),
    hex('tls-auth, SHA-256', `0036 38 ${SESSION_ID} ${'c3'.repeat(32)} 00000001 ${TIME} 00 00000000`),
    hex('tls-auth, SHA-512', `0056 38 ${SESSION_ID} ${'c3'.repeat(64)} 00000001 ${TIME} 00 00000000`),
    hex('tls-crypt', `0036 38 ${SESSION_ID} 00000001 ${TIME} ${'c3'.repeat(37)}`),
    hex('tls-crypt-v2', `0158 50 ${SESSION_ID} 00000001 ${TIME} ${'c3'.repeat(37 + 290)}`),
    hex(
      'tls-crypt-v2, early negotiation',
      `0436 50 ${SESSION_ID} 0f000001 ${TIME} ${'c3'.repeat(37 + 1_024)}`,
    ),
  ],
  dns: [
    hex(
      'query (RFC 1035)',
      '001d db42 0100 0001000000000000 03777777 076578616d706c65 03636f6d 00 0001 0001',
    ),
    hex(
      'query of the root with EDNS (RFC 6891)',
      `001c db42 0120 0001000000000001 00 0030 0001 00 0029 04d0 00008000 0000`,
    ),
    hex(
      'IXFR (RFC 1995, section 3)',
      `0038 0001 0000 0001000000010000 03636f6d00 00fb 0001 c00c 0006 0001 00000000 0016 00 00 ${'00000001'.repeat(5)}`,
    ),
    hex('NOTIFY (RFC 1996)', '0015 0001 2400 0001000000000000 03636f6d00 0006 0001'),
    hex(
      'UPDATE (RFC 2136)',
      '0020 0001 2800 0001000000010000 03636f6d00 0006 0001 c00c 00ff 00ff 00000000 0000',
    ),
    hex('stateful operation (RFC 8490)', '0018 0001 3000 0000000000000000 0001 0008 00003a98 00003a98'),
  ],
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { anyCuts, atEveryByte, cutAt } from '../../../test/support/cuts.js'
import { talk } from '../../../test/support/opening-talk.js'
import type { StarttlsName } from '../../base/starttls-names.js'
import { clientOpening } from './client-opening.js'
import { ANSWER_BYTES_MAX, MALFORMED, MORE, REFUSED } from './client-step.js'

const latin = (text: string) => Buffer.from(text, 'latin1')

const LDAP_YES = '\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00'
/** As slapd sends it for unwillingToPerform. */
const LDAP_NO = '\x30\x0f\x02\x01\x01\x78\x0a\x0a\x01\x35\x04\x00\x04\x03no!'
const FEATURES =
  "<?xml version='1.0'?><stream:stream xmlns:stream='http://etherx.jabber.org/streams' from='im.test' id='1' version='1.0'>" +
  "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls></stream:features>"
const PROCEED = "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"

interface Case {
  readonly protocol: StarttlsName
  /** What the server says in each step. */
  readonly answers: readonly string[]
  readonly sent: readonly string[]
  readonly greeting: string
}

/** As MariaDB sends it: capabilities 0xfffe, and without CLIENT_SSL (0x0800) 0xf7fe. */
function greetingOfMysql(capabilities: string): string {
  const payload = `\x0a11.4\0\x01\0\0\0challeng\0${capabilities}\x21\x02\0more`
  return `${String.fromCharCode(payload.length)}\0\0\0${payload}`
}

const CASES: readonly Case[] = [
  {
    protocol: 'mysql',
    answers: [greetingOfMysql('\xfe\xff')],
    sent: [],
    greeting: greetingOfMysql('\xfe\xf7'),
  },
  {
    protocol: 'smtp',
    answers: [
      '220-mx.test ESMTP\r\n220 be patient\r\n',
      '250-mx.test\r\n250-STARTTLS\r\n250 8BITMIME\r\n',
      '220 2.0.0 Ready\r\n',
    ],
    sent: ['EHLO relay.test\r\n', 'STARTTLS\r\n'],
    greeting: '220-mx.test ESMTP\r\n220 be patient\r\n',
  },
  {
    protocol: 'imap',
    answers: [
      '* OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] hello\r\n',
      '* CAPABILITY X\r\na OK Begin\r\n',
    ],
    sent: ['a STARTTLS\r\n'],
    greeting: '* OK hello\r\n',
  },
  {
    protocol: 'imap',
    answers: ['* ok hello\n', 'A ok\n'],
    sent: ['a STARTTLS\r\n'],
    greeting: '* ok hello\n',
  },
  {
    protocol: 'pop3',
    answers: ['+OK ready <1.2@pop.test>\r\n', '+OK\r\n'],
    sent: ['STLS\r\n'],
    greeting: '+OK ready <1.2@pop.test>\r\n',
  },
  {
    protocol: 'ftp',
    answers: ['220-Hello\r\n welcome\r\n220-more\r\n220 end\r\n', '234 Proceed\r\n'],
    sent: ['AUTH TLS\r\n'],
    greeting: '220-Hello\r\n welcome\r\n220-more\r\n220 end\r\n',
  },
  {
    protocol: 'ldap',
    answers: [LDAP_YES],
    sent: ['\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037'],
    greeting: '',
  },
  { protocol: 'postgres', answers: ['S'], sent: ['\0\0\0\x08\x04\xd2\x16\x2f'], greeting: '' },
  {
    protocol: 'xmpp',
    answers: [FEATURES, PROCEED],
    sent: [
      "<?xml version='1.0'?><stream:stream to='relay.test' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>",
      "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
    ],
    greeting: '',
  },
]

const openingOf = (protocol: StarttlsName) => clientOpening({ protocol, name: 'relay.test' })

for (const { answers, greeting, protocol, sent } of CASES) {
  test(`${protocol}: TLS begins after ${answers.length} answers, however they are split (${greeting.trim()})`, () => {
    const whole = { sent, greeting, result: 'tls' }
    const opening = openingOf(protocol)
    const chunked: readonly Uint8Array[][] = answers.map((answer) => [latin(answer)])
    assert.deepEqual(talk(opening, chunked), whole)
    for (const [i, answer] of answers.entries()) {
      assert.equal(opening.steps[i]?.read(latin('xx'), 1, 1), MORE, 'nothing')
      for (const cut of atEveryByte(latin(answer))) {
        assert.deepEqual(talk(opening, chunked.with(i, cut)), whole)
        // Without its last chunk, which may be empty.
        const part = Buffer.concat(cut.slice(0, -1))
        if (part.length < answer.length)
          assert.equal(talk(opening, chunked.with(i, [part])).result, 'waits', `${i}: ${part}`)
      }
    }
  })

  test(`${protocol}: bytes behind an answer fail the opening (${greeting.trim()})`, () => {
    const opening = openingOf(protocol)
    for (const [i, answer] of answers.entries()) {
      for (const behind of ['\0', '2', '250 injected\r\n', '\x16\x03\x01', answer]) {
        const chunks = answers.map((one, nth) => [latin(nth === i ? `${answer}${behind}` : one)])
        assert.equal(
          talk(opening, chunks).result,
          `STARTTLS failed: more bytes behind the ${opening.steps[i]?.what}`,
        )
      }
    }
  })
}

const WRONG: readonly (readonly [StarttlsName, answers: readonly string[], result: string])[] = [
  ['smtp', ['554 go away\r\n'], 'STARTTLS was refused: greeting: "554 go away"'],
  ['smtp', ['220 hi\r\n', '502 what?\r\n'], 'STARTTLS was refused: answer to EHLO: "502 what?"'],
  [
    'smtp',
    ['220 hi\r\n', '250 hi\r\n', '454-4.7.0\r\n454 4.7.0 no TLS today\r\n'],
    'STARTTLS was refused: answer to STARTTLS: "454 4.7.0 no TLS today"',
  ],
  ['smtp', ['SSH-2.0-x\r\n'], 'STARTTLS failed: bad greeting: "SSH-2.0-x\\r\\n"'],
  ['smtp', ['220hi\r\n'], 'STARTTLS failed: bad greeting: "220hi\\r\\n"'],
  ['imap', ['* PREAUTH hello\r\n'], 'STARTTLS was refused: greeting: "* PREAUTH hello"'],
  ['imap', ['* BYE\r\n'], 'STARTTLS was refused: greeting: "* BYE"'],
  ['imap', ['* OKAY\r\n'], 'STARTTLS was refused: greeting: "* OKAY"'],
  ['imap', ['+OK\r\n'], 'STARTTLS failed: bad greeting: "+OK\\r\\n"'],
  ['imap', ['* OK\r\n', 'a BAD no\r\n'], 'STARTTLS was refused: answer to STARTTLS: "a BAD no"'],
  ['imap', ['* OK\r\n', 'b OK\r\n'], 'STARTTLS failed: bad answer to STARTTLS: "b OK\\r\\n"'],
  ['pop3', ['-ERR busy\r\n'], 'STARTTLS was refused: greeting: "-ERR busy"'],
  ['pop3', ['+OKAY\r\n'], 'STARTTLS failed: bad greeting: "+OKAY\\r\\n"'],
  ['ftp', ['220 hi\r\n', '500 what?\r\n'], 'STARTTLS was refused: answer to AUTH TLS: "500 what?"'],
  ['ftp', ['120 later\r\n'], 'STARTTLS was refused: greeting: "120 later"'],
  ['ldap', [LDAP_NO], 'STARTTLS was refused: answer to StartTLS: result code 53'],
  [
    'ldap',
    [LDAP_YES.replace('\x01\x78', '\0\x78')],
    'STARTTLS was refused: answer to StartTLS: result code 0',
  ],
  ['ldap', ['HTTP'], 'STARTTLS failed: bad answer to StartTLS: "HTTP"'],
  [
    'ldap',
    ['\x30\x84\x7f\0\0\0'],
    'STARTTLS failed: bad answer to StartTLS: "0\x84\x7f\\u0000\\u0000\\u0000"',
  ],
  ['ldap', ['\x30\x80'], 'STARTTLS failed: bad answer to StartTLS: "0\x80"'],
  [
    'ldap',
    ['\x30\x03\x02\x01\x01'],
    'STARTTLS failed: bad answer to StartTLS: "0\\u0003\\u0002\\u0001\\u0001"',
  ],
  ['postgres', ['N'], 'STARTTLS was refused: answer to SSLRequest: it does not speak TLS'],
  ['postgres', ['E'], 'STARTTLS was refused: answer to SSLRequest: it has an error'],
  ['postgres', ['H'], 'STARTTLS failed: bad answer to SSLRequest: "H"'],
  ['mysql', [greetingOfMysql('\xfe\xf7')], 'STARTTLS was refused: greeting: it does not speak TLS'],
  ['mysql', ['\x0a\0\0\0\xff\x69\x04no room'], 'STARTTLS was refused: greeting: "no room"'],
  ['mysql', ['\x09\0\0\x01\x0a'], 'STARTTLS failed: bad greeting: "\\t\\u0000\\u0000\\u0001\\n"'],
  ['mysql', ['\x02\0\0\0\x0aa'], 'STARTTLS failed: bad greeting: "\\u0002\\u0000\\u0000\\u0000\\na"'],
  ['mysql', ['\0\0\0\0'], 'STARTTLS failed: bad greeting: "\\u0000\\u0000\\u0000\\u0000"'],
  ['mysql', ['\x01\0\x01\0'], 'STARTTLS failed: bad greeting: "\\u0001\\u0000\\u0001\\u0000"'],
  ['mysql', ['220 hi\r\n'], 'STARTTLS failed: bad greeting: "220 hi\\r\\n"'],
  ['xmpp', ['HTTP/1.1 400'], 'STARTTLS failed: bad stream features: "HTTP/1.1 400"'],
  [
    'xmpp',
    ['<stream:stream><stream:features/>'],
    'STARTTLS was refused: stream features: "<stream:stream><stream:features/>"',
  ],
  [
    'xmpp',
    ['<a><stream:features><bind/></stream:features>'],
    'STARTTLS was refused: stream features: "<a><stream:features><bind/></stream:features>"',
  ],
  [
    'xmpp',
    ['<a><stream:error><host-unknown/></stream:error>'],
    'STARTTLS was refused: stream features: "<a><stream:error><host-unknown/></stream:error>"',
  ],
  ['xmpp', [FEATURES, '<failure/>'], 'STARTTLS was refused: answer to starttls: "<failure/>"'],
  ['xmpp', [FEATURES, '<success/>'], 'STARTTLS failed: bad answer to starttls: "<success/>"'],
  ['xmpp', [FEATURES, '<proceed>x'], 'STARTTLS failed: bad answer to starttls: "<proceed>x"'],
]

test('answers that do not permit TLS, and what is no answer', () => {
  for (const [protocol, answers, result] of WRONG) {
    const chunked: readonly Uint8Array[][] = answers.map((answer) => [latin(answer)])
    assert.equal(talk(openingOf(protocol), chunked).result, result)
  }
})

test('an answer without end fails', () => {
  for (const [protocol, begin] of [
    ['smtp', '220-'],
    ['imap', '* OK '],
    ['pop3', '+OK '],
    ['ftp', '220 '],
    ['xmpp', '<a '],
  ] as const) {
    const endless = latin(begin + 'x'.repeat(ANSWER_BYTES_MAX))
    const { result } = talk(openingOf(protocol), [[endless]])
    const what = protocol === 'xmpp' ? 'stream features' : 'greeting'
    assert.equal(result, `STARTTLS failed: ${what} longer than 16 KiB`)
  }
})

test('the capabilities are removed from the greeting of IMAP, and nothing else', () => {
  const opening = openingOf('imap')
  for (const [before, after] of [
    ['* OK [CAPABILITY A STARTTLS]\r\n', '* OK \r\n'],
    ['* OK [capability A] hi [B]\r\n', '* OK hi [B]\r\n'],
    ['* OK [CAPABILITY A\r\n', '* OK [CAPABILITY A\r\n'],
    ['* OK [ALERT] hi\r\n', '* OK [ALERT] hi\r\n'],
    ['* OK hi [CAPABILITY A]\r\n', '* OK hi [CAPABILITY A]\r\n'],
  ] as const)
    assert.equal(talk(opening, [[latin(before)], [latin('a OK\r\n')]]).greeting, after)
})

test('the name of an XMPP server is escaped', () => {
  const [header = ''] = talk(clientOpening({ protocol: 'xmpp', name: `a'&<"b` }), []).sent
  assert.match(header, / to='a&#39;&#38;&#60;&#34;b' /)
})

// Of this run; a failure is repeated with it.
const seed = Number(process.env.TCPRELAY_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))
const numRuns = process.env.TCPRELAY_TESTS === 'full' ? 100_000 : 1_000

const anyCase = fc.constantFrom(...CASES)
const anyEdit = fc.record({ at: fc.nat(400), byte: fc.nat(255), drops: fc.nat(2), adds: fc.nat(1) })

test(`any mutation of an answer is read within its bounds, and alike however it is split (seed ${seed})`, () => {
  fc.assert(
    fc.property(anyCase, fc.nat(2), fc.array(anyEdit, { maxLength: 4 }), anyCuts, (one, nth, edits, cuts) => {
      const i = nth % one.answers.length
      const step = openingOf(one.protocol).steps[i]
      assert.ok(step)
      const bytes = [...latin(one.answers[i] ?? '')]
      for (const { adds, at, byte, drops } of edits)
        bytes.splice(at % (bytes.length + 1), drops, ...[byte].slice(0, adds))
      // Around it are bytes that do not belong to it.
      const padded = Uint8Array.from([0x0a, ...bytes, 0x0a, 0x3e, 0, 0])
      const [start, end] = [1, 1 + bytes.length]
      const answer = step.read(padded, start, end)
      assert.ok(answer >= MALFORMED && answer <= bytes.length)
      // A verdict on a beginning is final, except that more bytes may turn one refusal into another.
      let seen = 0
      for (const chunk of cutAt(Uint8Array.from(bytes), cuts)) {
        seen += chunk.length
        const early = step.read(padded, start, start + seen)
        if (early > 0) assert.equal(answer, early)
        if (early < 0) assert.ok(answer === REFUSED || answer === MALFORMED)
      }
    }),
    { seed, numRuns },
  )
})

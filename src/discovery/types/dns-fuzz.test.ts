import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { address, alias, DnsServer, SERVFAIL } from '../../../test/harness/dns-server.js'
import { QUICK, SourceLog } from '../../../test/support/source-log.js'
import { openDns } from './dns.js'

const NAME = 'www.example.test'
/** Most runs wait for the time limit of a query. */
const RUNS = 30

const edit = fc.record({
  at: fc.nat(),
  byte: fc.nat(255),
  cut: fc.option(fc.nat()),
  isTruncated: fc.boolean(),
})

test('whatever the server sends, each round ends with a report', async (t) => {
  const server = await DnsServer.start(t)
  await fc.assert(
    fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 3 }), async (edits) => {
      const answers = [alias(NAME, 'b.test', 0), address('b.test', '10.0.0.1', 0)]
      const replies = edits.map(({ at, byte, cut, isTruncated }) => ({
        answers,
        isTruncated,
        alter: (message: Buffer, transport: 'udp' | 'tcp') => {
          if (isTruncated && transport === 'udp') return [message]
          message[at % message.length] = byte
          return [message.subarray(0, cut === null ? undefined : cut % message.length)]
        },
      }))
      server.set(
        `A ${NAME}`,
        ...replies.flatMap((reply) => (reply.isTruncated ? [reply, reply] : [reply])),
        SERVFAIL,
      )
      const plan = {
        type: 'dns',
        name: NAME,
        family: 'ipv4',
        port: 80,
        servers: [server.address],
        timeoutMs: 20,
        tries: 1,
        minIntervalMs: 1,
        maxIntervalMs: 1,
      } as const
      const log = new SourceLog()
      const source = openDns(plan, log, QUICK)
      const lines = await log.first(edits.length + 1).finally(() => source.close())
      for (const line of lines) assert.match(line, /^= ?[0-9.:]*$|^! A of www\.example\.test: /)
    }),
    { numRuns: RUNS },
  )
})

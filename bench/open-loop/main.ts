// Sends HTTP requests through a relay on 127.0.0.1 at fixed rates and prints one line of JSON: LoadReport.
//   --port N --seconds N [--lead-in SECONDS]
//   --connections N --requests PER_SECOND    on connections that stay open
//   --whole-connections PER_SECOND           each connects, has one reply and closes
import { parseArgs } from 'node:util'
import { raiseDescriptorLimit } from '../../src/kernel/limits.js'
import { runLoad } from './run-load.js'

const TEXT = { type: 'string', default: '0' } as const
const { values } = parseArgs({
  options: {
    port: TEXT,
    seconds: TEXT,
    'lead-in': TEXT,
    connections: TEXT,
    requests: TEXT,
    'whole-connections': TEXT,
  },
})

raiseDescriptorLimit()
const report = runLoad({
  port: Number(values.port),
  seconds: Number(values.seconds),
  leadInSeconds: Number(values['lead-in']),
  connections: Number(values.connections),
  requestsPerSecond: Number(values.requests),
  connectionsPerSecond: Number(values['whole-connections']),
})
process.stdout.write(`${JSON.stringify(report)}\n`)

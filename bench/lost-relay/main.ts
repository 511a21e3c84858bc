/**
 * `npm run bench:lost-relay`: what a lost relay costs. By calculation and by simulation, with the policies of the program and the
 * generated connections of `tcprelay simulate`. docs/scale-out.md has its tables.
 */
import { parseArgs } from 'node:util'
import type { PolicyName } from '../../src/base/policy-names.js'
import { generateTrace } from '../../src/simulate/generate-trace.js'
import { textTable } from '../report/table.js'
import { loseRelay } from './loss.js'
import { SPREADS } from './spread.js'

const POLICIES: readonly PolicyName[] = ['maglev', 'source', 'round-robin', 'least-connections', 'least-use']

const USAGE = `npm run bench:lost-relay -- [options]

  --relays N        relays, of which one in the middle is lost (4)
  --remotes N       remotes of equal weight (10)
  --connections N   connections before the loss (200000)
  --clients N       clients, some with many connections (20000)
  --seed N          repeats a run
`

const { values } = parseArgs({
  options: {
    relays: { type: 'string', default: '4' },
    remotes: { type: 'string', default: '10' },
    connections: { type: 'string', default: '200000' },
    clients: { type: 'string', default: '20000' },
    seed: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

const percent = (share: number) => `${(100 * share).toFixed(1)} %`

function wholeNumber(name: 'relays' | 'remotes' | 'connections' | 'clients', least: number): number {
  const value = Number(values[name])
  if (Number.isInteger(value) && value >= least) return value
  throw new Error(`--${name} takes a whole number from ${least} on, not '${values[name]}'`)
}

function run(): void {
  const [relays, remotes] = [wholeNumber('relays', 2), wholeNumber('remotes', 1)]
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31))
  const count = wholeNumber('connections', 1)
  const clients = wholeNumber('clients', 1)
  // Of a median of 10 s and a rate of 1,000 per second some 25,000 are open at the end.
  const trace = generateTrace({
    count,
    clients,
    ratePerS: 1_000,
    lengthMs: 10_000,
    seed,
    listeners: ['front'],
  })
  const lost = relays >> 1
  const losses = POLICIES.map((policy) =>
    SPREADS.map((spread) => loseRelay({ relays, remotes, policy, spread, seed }, lost, trace)),
  )
  const first = losses[0] ?? []
  console.log(`${relays} relays, ${remotes} remotes, ${first[0]?.open} open connections, seed ${seed}\n`)
  console.log(
    textTable([
      ['spread', 'cut, calculated', 'cut, simulated', 'of the lost relay', 'of other relays'],
      ...SPREADS.map(({ movedShare, name }, i) => {
        const { open = 1, own = 0, rehashed = 0 } = first[i] ?? {}
        const shares = [movedShare(relays, lost), (own + rehashed) / open, own / open, rehashed / open]
        return [name, ...shares.map(percent)]
      }),
    ]),
  )
  console.log(
    `\nCut clients that get the same remote again (calculated: 100 % by a hash, else 1 in ${remotes}):\n`,
  )
  console.log(
    textTable([
      ['policy', ...SPREADS.map(({ name }) => name)],
      ...POLICIES.map((policy, i) => [
        policy,
        ...(losses[i] ?? []).map(({ own, rehashed, sameRemote }) => percent(sameRemote / (own + rehashed))),
      ]),
    ]),
  )
}

if (values.help) console.log(USAGE)
else run()

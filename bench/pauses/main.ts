// How long garbage collection pauses the relay under load: `npm run bench:pauses -- [--seconds N]`. Exit status: 0 if
// no pause of the reactor is too long, 1 if one is or the load was not reached, 2 if nothing was measured.
import { parseArgs } from 'node:util'
import { Bench } from '../measure.js'
import { pinSelf } from '../system/cores.js'
import { runUnderLoad } from './run.js'
import { judge } from './verdict.js'

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { seconds: { type: 'string', default: '600' } } })
  const seconds = Number(values.seconds)
  if (!(seconds >= 1 && seconds <= 86_400)) throw new Error('--seconds takes a number from 1 to 86400')
  pinSelf()
  const bench = new Bench()
  const stop = (): void => {
    bench.clearAtOnce()
    process.exit(130)
  }
  process.on('SIGINT', stop).on('SIGTERM', stop)
  try {
    const { text, faults } = judge(await runUnderLoad(bench, seconds))
    process.stdout.write([text, ...faults.map((fault) => `failed: ${fault}\n`)].join(''))
    if (faults.length > 0) process.exitCode = 1
  } finally {
    await bench.clear()
  }
}

try {
  await main()
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 2
}

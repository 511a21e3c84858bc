import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readOptions } from '../../bench/options.js'
import { isMeasuredWith, type Plan } from '../../bench/plan.js'
import { haproxy, haproxyLog, haproxySplice } from '../../bench/relays/haproxy.js'
import { ALL_RELAYS } from '../../bench/relays/index.js'
import { nginxStream } from '../../bench/relays/nginx.js'
import type { Relay } from '../../bench/relays/relay.js'
import { tcprelay, tcprelayProduction } from '../../bench/relays/tcprelay.js'
import { chartsOf } from '../../bench/report/charts.js'
import { programsOf } from '../../bench/report/programs.js'
import { renderMarkdown, renderText } from '../../bench/report/render.js'
import { makeReport, type Report } from '../../bench/report/report.js'
import type { Sample } from '../../bench/sample.js'
import { PROJECT_DIR } from '../../bench/system/machine.js'
import { allWorkloads } from '../../bench/workloads/index.js'

function planOf(relays: readonly Relay[], ...workloads: readonly string[]): Plan {
  return {
    relays: relays.map((relay) => ({ ...relay, version: '1' })),
    workloads: allWorkloads(64).filter(({ name }) => workloads.includes(name)),
    omissions: [],
  }
}

/** CPU seconds for a thousand units. */
function sample(relay: string, workload: string, round: number, cost: number): Sample {
  return {
    relay,
    workload,
    round,
    work: { units: 1_000, seconds: 2, faults: [] },
    costPerUnit: cost / 1_000,
    cpuSeconds: cost,
    childCpuSeconds: [],
    windowSeconds: 2.5,
    foreignShare: 0,
  }
}

function reportOf(plan: Plan, samples: Sample[]): Report {
  const machine = { cpu: 'x', cores: 2, memoryGb: 1, kernel: '6', node: 'v20' }
  const options = readOptions(['--quick'])
  const circumstances = { date: '2026-01-02T03:04:05Z', machine, options, arguments: ['--quick'], tools: {} }
  return makeReport(plan, { samples, failures: [] }, circumstances)
}

const LOGGING = planOf([tcprelay, tcprelayProduction, haproxy, haproxyLog], 'connections')
const LOGGING_SAMPLES = [1, 2, 3].flatMap((round) => [
  sample('tcprelay', 'connections', round, 1 * round),
  sample('tcprelay-production', 'connections', round, 1.25 * round),
  sample('haproxy', 'connections', round, 2 * round),
  sample('haproxy-log', 'connections', round, 3 * round),
])

test('the cost of logs and timeouts is reported against the same relay without', () => {
  const report = reportOf(LOGGING, LOGGING_SAMPLES)
  assert.deepEqual(
    report.additions.map(({ relay, bare, ratio }) => [relay, bare, ratio.median]),
    [
      ['tcprelay-production', 'tcprelay', 1.25],
      ['haproxy-log', 'haproxy', 1.5],
    ],
  )
  assert.match(renderText(report), /tcprelay-production ÷ tcprelay +haproxy-log ÷ haproxy/)
  assert.match(renderMarkdown(report, []), /\| connections \| 1\.25 \[1\.25 – 1\.25\] \| 1\.50 /)
})

test('a report without logging relays has no such section', () => {
  const report = reportOf(planOf([tcprelay, haproxy], 'connections'), LOGGING_SAMPLES)
  assert.deepEqual(report.additions, [])
  assert.doesNotMatch(renderText(report), /logs and timeouts/)
})

test('charts compare with the cheapest bare peer, one for each kind of work', () => {
  const plan = planOf([tcprelay, haproxy, haproxyLog, nginxStream], 'connections', 'bulk-up', 'idle')
  const samples = [
    sample('tcprelay', 'connections', 1, 2),
    sample('haproxy', 'connections', 1, 4),
    sample('haproxy-log', 'connections', 1, 1),
    sample('nginx', 'connections', 1, 5),
    sample('tcprelay', 'bulk-up', 1, 3),
    sample('nginx', 'bulk-up', 1, 2),
    // No peer to compare with.
    sample('tcprelay', 'idle', 1, 9),
  ]
  const charts = chartsOf(reportOf(plan, samples))
  assert.deepEqual(
    charts.map(({ name, chart }) => [
      name,
      chart.blocks.map(({ bars }) => bars.map(({ label, ratio }) => [label, ratio.median])),
    ]),
    [
      [
        'requests',
        [
          [
            ['tcprelay', 0.5],
            ['haproxy', 1],
            ['haproxy-log', 0.25],
            ['nginx', 1.25],
          ],
        ],
      ],
      [
        'bulk',
        [
          [
            ['tcprelay', 1.5],
            ['nginx', 1],
          ],
        ],
      ],
    ],
  )
})

test('charts are linked from the text, and the command to repeat the run is shown', () => {
  const text = renderMarkdown(reportOf(LOGGING, LOGGING_SAMPLES), ['x-requests.svg'])
  assert.match(text, /^!\[x-requests\.svg\]\(x-requests\.svg\)$/m)
  assert.match(text, /`npm run bench -- --quick`/)
})

test('every program is listed once with its whole configuration', () => {
  const plan = planOf([tcprelay, haproxy, haproxyLog, haproxySplice], 'requests', 'connections', 'bulk-up')
  const programs = programsOf(plan, 3)
  const of = (role: string, name: string): readonly string[] =>
    programs.filter((p) => p.role === role && p.name === name).flatMap(({ workloads }) => workloads)
  assert.deepEqual(of('relay', 'haproxy'), ['requests', 'connections', 'bulk-up'])
  assert.deepEqual(of('relay', 'haproxy-log'), ['requests', 'connections'])
  assert.deepEqual(of('beside the relay', 'haproxy-log'), ['requests', 'connections'])
  assert.deepEqual(of('relay', 'haproxy-splice'), ['bulk-up'])
  assert.deepEqual(of('server', ''), ['requests', 'connections', 'bulk-up'])
  const names = programs.map(({ role, name, commandLine }) => `${role} ${name}: ${commandLine}`)
  assert.equal(new Set(names).size, names.length)
  const text = renderMarkdown(reportOf(plan, []), [])
  for (const line of ['single process = yes', 'option tcplog', 'tune.pipesize 1048576', 'iperf3 -s'])
    assert.ok(text.includes(line), line)
  assert.ok(!text.includes(PROJECT_DIR), 'the path of the checkout is not in the report')
})

test('a relay with more switched on is measured beside its bare variant', () => {
  for (const relay of ALL_RELAYS.filter(({ bare }) => bare !== undefined)) {
    const bare = ALL_RELAYS.find(({ name }) => name === relay.bare)
    assert.ok(bare, `${relay.name} is a ${relay.bare} that is unknown`)
    for (const workload of allWorkloads(1).filter((work) => isMeasuredWith(relay, work)))
      assert.ok(isMeasuredWith(bare, workload), `${relay.name} ${workload.name}`)
  }
})

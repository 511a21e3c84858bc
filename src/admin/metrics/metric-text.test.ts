import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseOpenMetrics } from '../../../test/support/open-metrics.js'
import { MetricText } from './metric-text.js'

test('writes what an independent parser reads', () => {
  const text = new MetricText()
  text.one({ name: 'a_build', type: 'info', help: 'Help with "quotes", \\ and\na line.' }, 1, {
    version: '1',
  })
  text.add({ name: 'a_bytes', type: 'counter', unit: 'bytes', help: 'Bytes.' }, [
    [{ remote: 'x"\\\n' }, 12],
    [{ remote: 'é' }, 0],
  ])
  text.add({ name: 'a_nothing', type: 'gauge', help: 'Without samples.' }, [])
  text.one({ name: 'a_limit', type: 'gauge', help: 'Numbers.' }, Number.POSITIVE_INFINITY)
  const families = parseOpenMetrics(text.end())
  assert.deepEqual([...families.keys()], ['a_build', 'a_bytes', 'a_limit'])
  assert.deepEqual(
    [...(families.get('a_bytes')?.samples ?? [])],
    [
      ['{remote="x\\"\\\\\\n"}', 12],
      ['{remote="é"}', 0],
    ],
  )
  assert.equal(families.get('a_limit')?.samples.get(''), Number.POSITIVE_INFINITY)
})

test('the parser of the tests rejects what OpenMetrics forbids', () => {
  const head = '# TYPE a counter\n'
  for (const wrong of [
    '',
    `${head}a_total 1\n`,
    'a_total 1\n# EOF\n',
    `${head}a 1\n# EOF\n`,
    `${head}a_total -1\n# EOF\n`,
    `${head}a_total 1\na_total 1\n# EOF\n`,
    `${head}a_total{x="1",x="2"} 1\n# EOF\n`,
    `${head}a_total{x="1"y="2"} 1\n# EOF\n`,
    `${head}a_total one\n# EOF\n`,
    `${head}a_total 1\n# HELP a Late.\n# EOF\n`,
    `${head}a_total 1\n# TYPE b gauge\nb 1\n# HELP a Twice.\n# EOF\n`,
    '# TYPE a_bytes gauge\n# UNIT a_bytes seconds\n# EOF\n',
  ])
    assert.throws(() => parseOpenMetrics(wrong), wrong)
})

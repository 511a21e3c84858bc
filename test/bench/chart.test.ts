import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Chart, renderChart } from '../../bench/report/chart.js'
import type { Ratio } from '../../bench/summary.js'

const SURE = 0.9

function ratio(median: number, low = median, high = median, coverage = SURE): Ratio {
  return { median, low, high, coverage }
}

function drawn(...bars: Chart['blocks'][number]['bars']): string {
  return renderChart({ title: 'CPU', subtitle: 'less is better', blocks: [{ title: 'requests', bars }] })
}

function widthsOf(svg: string): readonly number[] {
  return [...svg.matchAll(/<rect class="(?:bar|ours)".* width="([\d.]+)"/g)].map(([, width]) => Number(width))
}

test('bars are proportional to their ratios, and ours has another colour', () => {
  const svg = drawn(
    { label: 'tcprelay', ratio: ratio(0.5, 0.4, 0.6), isOurs: true },
    { label: 'haproxy', ratio: ratio(1), isOurs: false },
  )
  const [ours = 0, best = 0] = widthsOf(svg)
  assert.ok(Math.abs(best / ours - 2) < 0.01, `${best} and ${ours}`)
  assert.equal(svg.match(/<rect class="ours"/g)?.length, 1)
  assert.match(svg, />0\.50 \[0\.40 – 0\.60\]</)
  assert.match(svg, />1\.00</)
})

test('an interval is drawn as a whisker; the best itself and too few rounds have none', () => {
  const whiskers = (bar: Ratio): number =>
    drawn({ label: 'x', ratio: bar, isOurs: false }).match(/class="whisker" d=/g)?.length ?? 0
  assert.equal(whiskers(ratio(1.1, 1, 1.2)), 1)
  assert.equal(whiskers(ratio(1)), 0)
  assert.equal(whiskers(ratio(1.1, 1, 1.2, 0)), 0)
})

test('a bar of many times the cost is cut at the edge and labelled', () => {
  const svg = drawn(
    { label: 'a', ratio: ratio(9, 8, 10), isOurs: false },
    { label: 'b', ratio: ratio(3, 2, 10), isOurs: false },
  )
  const [cut, full] = widthsOf(svg)
  assert.equal(cut, full)
  assert.match(svg, />» 9\.00 \[8\.00 – 10\.00\]</)
  assert.doesNotMatch(svg, />» 3\.00/)
})

test('names are escaped in the drawing', () => {
  const svg = drawn({ label: '<script>&', ratio: ratio(1), isOurs: false })
  assert.match(svg, />&lt;script&gt;&amp;</)
  assert.doesNotMatch(svg, /<script/)
})

test('a drawing is self-contained and supports dark mode', () => {
  const svg = drawn({ label: 'a', ratio: ratio(1), isOurs: false })
  assert.match(svg, /prefers-color-scheme: dark/)
  assert.deepEqual(svg.match(/https?:[^"]*/g), ['http://www.w3.org/2000/svg'])
  assert.doesNotMatch(svg, /href|url\(|@import|@font-face|NaN|undefined/)
})

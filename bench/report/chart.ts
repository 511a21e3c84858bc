import type { Ratio } from '../summary.js'
import { COVERAGE_MIN, ratioText } from './cells.js'

/** One relay in a block: its cost relative to the best peer. */
export interface Bar {
  readonly label: string
  readonly ratio: Ratio
  readonly isOurs: boolean
}

/** The relays with one workload. */
export interface Block {
  readonly title: string
  readonly bars: readonly Bar[]
}

export interface Chart {
  readonly title: string
  /** What a bar is; a line under the title. */
  readonly subtitle: string
  readonly blocks: readonly Block[]
}

// All in pixels of the drawing, which is scaled to the available width.
const WIDTH = 760
const MARGIN = 16
const PLOT_LEFT = 168
const PLOT_RIGHT = 580
const HEAD_HEIGHT = 60
const TITLE_HEIGHT = 30
const ROW_HEIGHT = 22
const BAR_HEIGHT = 14
const AXIS_HEIGHT = 24

/** Costs of more than three times the best would compress all other bars: they are cut there. */
const AXIS_MAX = 3
const AXIS_MIN = 1.25
const AXIS_STEP = 0.25

/** The background is drawn, too, because a page may be dark where the reader's system is light, and vice versa. */
const STYLE = `
  .ground { fill: #ffffff } text { fill: #1f2328; font: 13px system-ui, sans-serif }
  .head { font-size: 16px; font-weight: 600 } .block { font-weight: 600 } .small { font-size: 12px }
  .muted { fill: #59636e } .grid { stroke: #d1d9e0 } .one { stroke: #59636e; stroke-width: 1.5 }
  .bar { fill: #afb8c1 } .ours { fill: #0969da } .whisker { stroke: #1f2328; stroke-width: 1.5; fill: none }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117 } text { fill: #f0f6fc } .muted { fill: #9198a1 } .grid { stroke: #3d444d }
    .one { stroke: #9198a1 } .bar { fill: #656c76 } .ours { fill: #4493f8 } .whisker { stroke: #f0f6fc }
  }
`

/** A self-contained SVG, legible on light and on dark background. */
export function renderChart(chart: Chart): string {
  const heights = chart.blocks.map(({ bars }) => TITLE_HEIGHT + bars.length * ROW_HEIGHT)
  const bottom = HEAD_HEIGHT + heights.reduce((sum, height) => sum + height, 0) + 8
  const scale = scaleFor(chart)
  const blocks = chart.blocks.map((block, at) => {
    const top = heights.slice(0, at).reduce((sum, height) => sum + height, HEAD_HEIGHT)
    return drawBlock(block, top, scale)
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${bottom + AXIS_HEIGHT}" role="img">`,
    `<title>${escaped(chart.title)}</title>`,
    `<style>${STYLE}</style>`,
    `<rect class="ground" width="100%" height="100%"/>`,
    drawText(MARGIN, 26, 'head', chart.title),
    drawText(MARGIN, 46, 'small muted', chart.subtitle),
    ...drawAxis(scale, bottom),
    ...blocks,
    '</svg>\n',
  ].join('\n')
}

interface Scale {
  readonly max: number
  /** Horizontal position of a ratio. */
  x(ratio: number): number
}

function scaleFor({ blocks }: Chart): Scale {
  const highest = Math.max(...blocks.flatMap(({ bars }) => bars.map(({ ratio }) => whiskerOf(ratio).high)))
  const max = Math.min(AXIS_MAX, Math.max(AXIS_MIN, Math.ceil(highest / AXIS_STEP) * AXIS_STEP))
  return {
    max,
    x: (ratio) => round(PLOT_LEFT + (Math.min(ratio, max) / max) * (PLOT_RIGHT - PLOT_LEFT)),
  }
}

/** Too few rounds have no interval. */
function whiskerOf({ coverage, low, high, median }: Ratio): { readonly low: number; readonly high: number } {
  return coverage < COVERAGE_MIN ? { low: median, high: median } : { low, high }
}

function drawAxis({ max, x }: Scale, bottom: number): readonly string[] {
  const ticks = Array.from({ length: Math.floor(max / 0.5) + 1 }, (_, index) => index * 0.5)
  return ticks.flatMap((tick) => [
    `<line class="${tick === 1 ? 'one' : 'grid'}" x1="${x(tick)}" y1="${HEAD_HEIGHT}" x2="${x(tick)}" y2="${bottom}"/>`,
    drawText(x(tick), bottom + 16, 'small muted', tick.toFixed(1), 'middle'),
  ])
}

function drawBlock({ title, bars }: Block, top: number, scale: Scale): string {
  const rows = bars.map((bar, at) => drawBar(bar, top + TITLE_HEIGHT + at * ROW_HEIGHT, scale))
  return [drawText(MARGIN, top + 20, 'block', title), ...rows].join('\n')
}

function drawBar({ label, ratio, isOurs }: Bar, top: number, { max, x }: Scale): string {
  const middle = top + ROW_HEIGHT / 2
  const { low, high } = whiskerOf(ratio)
  const width = round(x(ratio.median) - PLOT_LEFT)
  const hasWhisker = low < high && low <= max
  // A bar that is cut has no visible end to mark.
  const whisker = `M${x(low)} ${middle - 4}v8M${x(low)} ${middle}H${x(high)}${high > max ? '' : 'm0 -4v8'}`
  const figures = low < high ? ratioText(ratio) : ratio.median.toFixed(2)
  return [
    drawText(PLOT_LEFT - 8, middle + 4, '', label, 'end'),
    `<rect class="${isOurs ? 'ours' : 'bar'}" x="${PLOT_LEFT}" y="${middle - BAR_HEIGHT / 2}" width="${width}" height="${BAR_HEIGHT}"/>`,
    ...(hasWhisker ? [`<path class="whisker" d="${whisker}"/>`] : []),
    drawText(PLOT_RIGHT + 8, middle + 4, 'small', `${ratio.median > max ? '» ' : ''}${figures}`),
  ].join('\n')
}

function drawText(x: number, y: number, classes: string, text: string, anchor = 'start'): string {
  return `<text class="${classes}" x="${x}" y="${y}" text-anchor="${anchor}">${escaped(text)}</text>`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

function round(pixels: number): number {
  return Math.round(pixels * 10) / 10
}

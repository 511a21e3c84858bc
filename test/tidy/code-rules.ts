/** Rules about the tokens and comments of a single file. */
import type { Source } from './sources.js'
import { closingOf, type Token } from './tokens.js'

/** Names that never work on a thread that blocks in a poller, with their replacements. */
const NEVER_RUNS: Readonly<Record<string, string>> = {
  async: 'the reactor never returns to the event loop: return an outcome, continue in onReady',
  await: 'the reactor never returns to the event loop: return an outcome, continue in onReady',
  Promise: 'its callbacks never run on the reactor: call a method of the owner',
  setTimeout: 'it never fires on the reactor: use loop.timers',
  setInterval: 'it never fires on the reactor: use loop.timers',
  setImmediate: 'it never runs on the reactor: use loop.later',
  queueMicrotask: 'it never runs on the reactor: use loop.later',
  console: 'it writes through the control thread: use the log ring (context.log)',
  FinalizationRegistry: 'it is never called on the reactor: unmap memory explicitly',
}

export function neverRunFindings({ path, tokens }: Source): string[] {
  return tokens.flatMap(({ kind, line, text }, at) => {
    const advice = kind === 'word' && Object.hasOwn(NEVER_RUNS, text) ? NEVER_RUNS[text] : undefined
    const isProperty = tokens[at - 1]?.text === '.' || tokens[at + 1]?.text === ':'
    return advice === undefined || isProperty ? [] : [`${path}:${line} ${text}: ${advice}`]
  })
}

/** After these tokens, `any` is a type. */
const BEFORE_TYPE = new Set([':', '<', ',', '|', '&', 'as', '=>', '=', 'satisfies'])

export function anyFindings({ path, tokens }: Source): string[] {
  return tokens
    .filter(({ kind, text }, at) => {
      return (
        kind === 'word' &&
        text === 'any' &&
        BEFORE_TYPE.has(tokens[at - 1]?.text ?? '') &&
        isEndOfType(tokens[at + 1])
      )
    })
    .map(({ line }) => `${path}:${line} any: use the actual type, or unknown with a check`)
}

function isEndOfType(next: Token | undefined): boolean {
  return (
    next === undefined ||
    [')', '>', ',', ';', '[', '|', '&', '=', '}', ']', '{'].includes(next.text) ||
    next.kind === 'word'
  )
}

/** After these words a `!` negates what follows. */
const NEGATES_AFTER = new Set([
  'return',
  'typeof',
  'case',
  'in',
  'of',
  'do',
  'else',
  'void',
  'throw',
  'await',
  'yield',
])

export function bangFindings({ path, tokens }: Source): string[] {
  return tokens
    .filter(({ kind, text, line }, at) => {
      const before = tokens[at - 1]
      if (kind !== 'sign' || text !== '!' || before === undefined || before.line !== line) return false
      if (before.kind === 'word') return !NEGATES_AFTER.has(before.text)
      return (
        before.kind === 'sign' &&
        (before.text === ']' || (before.text === ')' && tokens[at + 1]?.kind !== 'word'))
      )
    })
    .map(({ line }) => `${path}:${line} !: check for undefined, or use an invariant`)
}

export function todoFindings({ path, comments }: Source): string[] {
  return comments
    .filter(
      ({ text }) =>
        /\b(?:TODO|FIXME|XXX|HACK)\b/.test(text) && !/\b(?:TODO|FIXME|XXX|HACK)\b[^\n]*#\d+/.test(text),
    )
    .map(({ line }) => `${path}:${line} a note without an issue number is forgotten: write TODO #12`)
}

/** `import './x.js'`: Node runs JavaScript and resolves no missing extensions. */
export function endingFindings({ path, imports }: Source): string[] {
  return imports
    .filter(
      ({ target }) =>
        /^(?:src|test|bench|\.)/.test(target) && !target.endsWith('.ts') && !target.endsWith('.json'),
    )
    .map(({ line, target }) => `${path}:${line} ${target}: write the extension .js`)
}

/** Keywords whose parentheses before a block are not parameters of a function. */
const STATEMENTS = new Set(['if', 'for', 'while', 'switch', 'catch', 'with', 'await'])

/** First and last line of every function with a body. */
export function functionLines(tokens: readonly Token[]): { readonly first: number; readonly last: number }[] {
  return tokens.flatMap(({ kind, text, line }, at) => {
    if (kind !== 'sign') return []
    const body =
      text === '=>' && tokens[at + 1]?.text === '{'
        ? at + 1
        : text === '('
          ? bodyAfter(tokens, at)
          : undefined
    return body === undefined ? [] : [{ first: line, last: tokens[closingOf(tokens, body)]?.line ?? line }]
  })
}

/** The body of the function whose parameters start at `open`; undefined if it is not a function. */
function bodyAfter(tokens: readonly Token[], open: number): number | undefined {
  if (STATEMENTS.has(tokens[open - 1]?.text ?? '')) return undefined
  const after = closingOf(tokens, open) + 1
  if (tokens[after]?.text === '{') return after
  return tokens[after]?.text === ':' ? bodyAfterType(tokens, after + 1) : undefined
}

/** Skips a return type: the first `{` that cannot be part of it starts the body. */
function bodyAfterType(tokens: readonly Token[], start: number): number | undefined {
  for (let at = start; at < tokens.length; at++) {
    const { text } = tokens[at] as Token
    if (text === '{' && !BEFORE_TYPE.has(tokens[at - 1]?.text ?? '') && tokens[at - 1]?.text !== 'is')
      return at
    if (text === '{' || text === '(' || text === '[') at = closingOf(tokens, at)
    else if ([';', ')', '=', '=>', '}', '?'].includes(text)) return undefined
  }
  return undefined
}

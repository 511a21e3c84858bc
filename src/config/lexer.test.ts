import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import fc from 'fast-check'
import { Lexer, type LexerMode } from './lexer.js'
import { quote } from './quoted-text.js'
import type { Token } from './token.js'

function lex(input: string | Uint8Array, environment: Readonly<Record<string, string>> = {}): Token[] {
  const lexer = new Lexer('f', Buffer.from(input), new Map(Object.entries(environment)))
  const tokens: Token[] = []
  do tokens.push(lexer.next())
  while (tokens.at(-1)?.kind !== 'end')
  return tokens
}

function texts(input: string | Uint8Array, environment?: Readonly<Record<string, string>>): string[] {
  return lex(input, environment)
    .slice(0, -1)
    .map(({ text }) => text)
}

function places(input: string | Uint8Array): string[] {
  return lex(input).map(({ position }) => `${position.line}:${position.column}`)
}

function onlyFlaw(input: string | Uint8Array): string | undefined {
  const [flaw] = lex(input).flatMap((token) => (token.flaw === undefined ? [] : [token.flaw]))
  return flaw && `${flaw.position.line}:${flaw.position.column} ${flaw.message}`
}

test('a word ends at a blank or separator and may contain quotes, # and backslashes', () => {
  assert.deepEqual(texts('a=b{c}d(e)f[g]h,i!j'), [
    'a',
    '=',
    'b',
    '{',
    'c',
    '}',
    'd',
    '(',
    'e',
    ')',
    'f',
    '[',
    'g',
    ']',
    'h',
    ',',
    'i',
    '!',
    'j',
  ])
  assert.deepEqual(texts('a"b\' c\\d e#f ~ ;:*@%^~/$<>?+-'), ['a"b\'', 'c\\d', 'e#f', '~', ';:*@%^~/$<>?+-'])
})

test('ampersands and bars are tokens, single or in pairs', () => {
  assert.deepEqual(texts('a&b&&c|||d'), ['a', '&', 'b', '&&', 'c', '||', '|', 'd'])
})

test('a comment ends at CR, LF or the end of the file', () => {
  assert.deepEqual(texts('# x\na # "y\rb #'), ['a', 'b'])
})

test('LF starts a new line, columns count characters', () => {
  assert.deepEqual(places('a\r\n\tb "ä\n中" c\n'), ['1:1', '2:2', '2:4', '3:4', '3:5'])
})

test('skips a byte order mark and does not count it as a column', () => {
  assert.deepEqual(places('\ufeffid x'), ['1:1', '1:4', '1:5'])
  assert.deepEqual(texts('\ufeffid'), ['id'])
})

test('the position of the end token is after the last token', () => {
  assert.deepEqual(places('a b  # comment\n\n'), ['1:1', '1:3', '1:4'])
  assert.deepEqual(places(''), ['1:1'])
})

test('quoted text supports escapes, octal bytes and continued lines', () => {
  assert.deepEqual(texts(String.raw`"\a\b\e\t\n\v\f\r\\\"\'"`), ['\x07\b\x1b\t\n\v\f\r\\"\''])
  assert.deepEqual(texts(String.raw`'\101\7\0601\303\244'`), ['A\x0701ä'])
  assert.deepEqual(texts('"a\\\nb\\\r\nc\nd"'), ['abc\nd'])
  assert.deepEqual(texts(`"it's" 'a "b"'`), ["it's", 'a "b"'])
})

test('ignores an unknown escape with a warning', () => {
  assert.deepEqual(texts('"a\\qb\\qc"'), ['abc'])
  assert.equal(onlyFlaw(' "a\\qb\\wc"'), "1:4 unknown escape '\\q' is ignored")
})

test('expands only variables that are set, in braces, in quotes, and once', () => {
  const environment = { HOME: '/h', N: `\${HOME}`, Ä: 'ö' }
  assert.deepEqual(texts(`"\${HOME}/x" '\${HOME}' "$\${HOME}" "\${N}" "\${Ä}"`, environment), [
    '/h/x',
    '/h',
    '$/h',
    `\${HOME}`,
    'ö',
  ])
  assert.deepEqual(texts(`"\${NO} $HOME \${HOME" "$\\173HOME}"`, environment), [
    `\${NO} $HOME \${HOME`,
    `\${HOME}`,
  ])
  assert.deepEqual(texts(`\${HOME}`, environment), ['$', '{', 'HOME', '}'])
})

test('reports malformed tokens with their position', () => {
  assert.equal(onlyFlaw('a\n b\xff'), undefined)
  assert.equal(onlyFlaw(Buffer.from([0x61, 0x20, 0x62, 0xff])), '1:3 invalid UTF-8')
  assert.equal(onlyFlaw(Buffer.from([0x61, 0x0a, 0x00])), '2:1 NUL byte in a token')
  assert.equal(onlyFlaw('"\\400"'), '1:1 NUL byte in a token')
  assert.equal(onlyFlaw('x\n y "z\n\n'), '2:4 this quote is not closed')
  assert.equal(onlyFlaw('"\\'), '1:1 this quote is not closed')
})

test('accepts any bytes in comments', () => {
  assert.equal(onlyFlaw(Buffer.from([0x23, 0xff, 0x00, 0x0a, 0x61])), undefined)
})

test('rejects tokens above 65534 bytes', () => {
  const longest = 'x'.repeat(65_534)
  assert.deepEqual(texts(`${longest} "${longest}"`), [longest, longest])
  assert.match(onlyFlaw(`a ${longest}x`) ?? '', /^1:3 token too long: at most 65534 bytes/)
  assert.match(onlyFlaw(`a "${longest}x"`) ?? '', /^1:3 token too long: at most 65534 bytes/)
})

test('rejects a token of 10 MB without reading it several times', () => {
  const before = process.cpuUsage()
  assert.match(onlyFlaw(Buffer.alloc(10 * 2 ** 20, 'x')) ?? '', /^1:1 token too long/)
  assert.match(onlyFlaw(`"${'x'.repeat(10 * 2 ** 20)}"`) ?? '', /^1:1 token too long/)
  assert.ok(
    process.cpuUsage(before).user < 5e6,
    'work that grows with the square of the length takes minutes',
  )
})

test('quoted text reads back unchanged', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 40 }).filter((given) => !given.includes('\0'))
  const tricky = fc
    .array(fc.constantFrom('${', 'HOME', '}', '\\', '"', "'", '\n', '\x1b', '7', '$', 'ä'))
    .map((parts) => parts.join(''))
  fc.assert(
    fc.property(fc.oneof(text, tricky), (given) => {
      assert.deepEqual(texts(quote(given), { HOME: 'wrong' }), [given])
    }),
  )
})

/** All tokens of a file in this lexer mode, as `kind:text`. */
function lexAs(mode: LexerMode, input: string): string[] {
  const lexer = new Lexer('f', Buffer.from(input), new Map(), { mode })
  const tokens: string[] = []
  for (let token = lexer.next(); token.kind !== 'end'; token = lexer.next()) {
    tokens.push(`${token.kind}:${token.text}${token.flaw === undefined ? '' : ` (${token.flaw.message})`}`)
  }
  return tokens
}

test('recognises operators, and patterns after them, only in scripts', () => {
  const text = 'a==b c!=d e=~/f g/ h!~ /i/ /j !k'
  assert.deepEqual(lexAs('script', text), [
    'word:a',
    'punctuation:==',
    'word:b',
    'word:c',
    'punctuation:!=',
    'word:d',
    'word:e',
    'punctuation:=~',
    'pattern:f g',
    'word:h',
    'punctuation:!~',
    'pattern:i',
    'word:/j',
    'punctuation:!',
    'word:k',
  ])
  const plain = lexAs('plain', text)
  assert.ok(plain.every((token) => !token.startsWith('pattern:') && !/:(==|!=|=~|!~)$/.test(token)))
  assert.deepEqual(lexAs('patterns', 'not /^a(b|c)$/, x== /'), [
    'word:not',
    'pattern:^a(b|c)$',
    'punctuation:,',
    'word:x',
    'punctuation:=',
    'punctuation:=',
    'pattern: (this pattern is not closed on its line)',
  ])
})

test('removes a backslash before a slash or a backslash in a pattern', () => {
  assert.deepEqual(lexAs('script', String.raw`=~ /a\/b\\c\\\\d\e#"'/ x`), [
    'punctuation:=~',
    String.raw`pattern:a/b\c\\d\e#"'`,
    'word:x',
  ])
})

test('rejects a pattern that is not closed on its line', () => {
  for (const end of ['', '\n/', '\r/', '\\\n/']) {
    const [, pattern = ''] = lexAs('script', `=~ /a${end}`)
    assert.match(pattern, /not closed on its line/)
  }
})

test('the mode may change between two tokens', () => {
  const lexing: { mode: LexerMode } = { mode: 'plain' }
  const lexer = new Lexer('f', Buffer.from('a== { b== } c=='), new Map(), lexing)
  const next = (count: number) => Array.from({ length: count }, () => lexer.next().text)
  assert.deepEqual(next(4), ['a', '=', '=', '{'])
  lexing.mode = 'script'
  assert.deepEqual(next(3), ['b', '==', '}'])
  lexing.mode = 'plain'
  assert.deepEqual(next(3), ['c', '=', '='])
})

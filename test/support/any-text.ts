import fc from 'fast-check'

const SURROGATES_START = 0xd800
const SURROGATES = 0x800

/**
 * Texts of any characters, as `fc.string({ unit: 'binary' })` makes them. That one first builds a table of all 1.1 million
 * characters, which takes one to three seconds.
 */
export function anyText(lengths: fc.ArrayConstraints = {}): fc.Arbitrary<string> {
  const character = fc
    .nat(0x10ffff - SURROGATES)
    .map((n) => String.fromCodePoint(n < SURROGATES_START ? n : n + SURROGATES))
  return fc.array(character, lengths).map((characters) => characters.join(''))
}

/**
 * Variants of a case: the same behaviour in another way, such as another mode of the program. The normal run has
 * the ones that cover most code; the long run repeats the files with the others (variants.full.test.ts).
 */
const { TCPRELAY_TEST_VARIANTS } = process.env

/** Variables of a process that runs the variants beyond the normal run, or all of them. */
export const OTHER_VARIANTS = { TCPRELAY_TEST_VARIANTS: 'others' } as const
export const ALL_VARIANTS = { TCPRELAY_TEST_VARIANTS: 'all' } as const

/** The variants of this run; `main` are those of the normal one. */
export function variants<T>(main: readonly T[], others: readonly T[]): readonly T[] {
  if (TCPRELAY_TEST_VARIANTS === OTHER_VARIANTS.TCPRELAY_TEST_VARIANTS) return others
  return TCPRELAY_TEST_VARIANTS === ALL_VARIANTS.TCPRELAY_TEST_VARIANTS ? [...main, ...others] : main
}

/** The ways in which children get their clients, as `accept` in the configuration names them. */
export const ACCEPT_WAYS: readonly ('broker' | 'direct')[] = variants(['broker'], ['direct'])

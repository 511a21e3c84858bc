/** Seeds and numbers of runs of tests about PROXY headers: the long run repeats the same files with more of them. */

/** Another one each time; TCPRELAY_TEST_SEED repeats a run. */
export function proxySeed(): number {
  const { TCPRELAY_TEST_SEED } = process.env
  return TCPRELAY_TEST_SEED === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(TCPRELAY_TEST_SEED)
}

/** Twenty times as many in the long run. */
export function runs(normal: number): number {
  return process.env.TCPRELAY_TESTS === 'full' ? 20 * normal : normal
}

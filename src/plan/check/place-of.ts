/** Finds the position of a directive. */
import type { Position } from '../../base/problem.js'
import type { Configuration } from '../../config/load.js'

/** Position of the last, effective occurrence; without any, of the relay's section. */
export function placeOf(
  { given, tcprelay }: Pick<Configuration, 'given' | 'tcprelay'>,
  name: string,
): Position {
  return given.findLast((directive) => directive.name === name)?.position ?? tcprelay.position
}

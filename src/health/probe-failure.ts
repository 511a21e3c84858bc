/** Why a remote did not pass its check. The message is the part of a log line behind `is down: `. */
export class ProbeFailure extends Error {
  override readonly name = 'ProbeFailure'
}

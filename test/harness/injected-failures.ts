/**
 * Preloaded into the program (`--import`): functions that its handlers call throw on certain bytes, as a bug in the
 * handlers would.
 */

/** Chunks with these bytes make `subarray` throw. Split, so that no file of the program contains it. */
export const MARKER = ['INJECTED', 'FAILURE'].join('-')

/** Longer ones are not searched. */
const LOOKED_AT_BYTES_MAX = 1_000_000

const subarray = Buffer.prototype.subarray
Buffer.prototype.subarray = function (this: Buffer<ArrayBuffer>, ...range: [number?, number?]) {
  if (this.length < LOOKED_AT_BYTES_MAX && this.includes(MARKER)) throw new Error('injected')
  return subarray.apply(this, range)
}

/** The report to the service manager, which a master sends while it handles a child's first message. */
const READY = 'READY=1'

let isLinkBroken = process.env.TCPRELAY_TEST_BREAK_LINK !== 'yes'
const { encodeInto } = TextEncoder.prototype
TextEncoder.prototype.encodeInto = function (this: InstanceType<typeof TextEncoder>, text, into) {
  if (!isLinkBroken && text === READY) {
    isLinkBroken = true
    throw new Error('injected')
  }
  return encodeInto.call(this, text, into)
}

/** Options that load this into the program. */
export const INJECTED = { NODE_OPTIONS: `--import=${import.meta.url}` }

/** Reads an access log for `simulate`. */
import { createReadStream } from 'node:fs'
import { TraceParser } from '../simulate/trace-parser.js'

const CHUNK_BYTES = 1 << 20

/** `-`: standard input. Returns the errno name if it cannot be read. Only numbers are kept of a file of any size. */
export async function readTrace(file: string): Promise<TraceParser | string> {
  const parser = new TraceParser()
  const stream = file === '-' ? process.stdin : createReadStream(file, { highWaterMark: CHUNK_BYTES })
  try {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) parser.push(chunk)
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'EIO'
  }
  parser.finish()
  return parser
}

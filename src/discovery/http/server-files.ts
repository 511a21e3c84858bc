/** The files with which a server is asked: passwords, tokens, certificates. Read for each request, because they are rotated. */
import type { Buffer } from 'node:buffer'
import { readFile } from 'node:fs/promises'
import type { SecureContext } from 'node:tls'
import { printable } from '../../observe/log.js'
import { errorReason } from '../error-reason.js'
import { SourceFailure } from '../source-failure.js'

/** A secret is a line. */
const SECRET_BYTES_MAX = 65_536

export interface TlsFiles {
  readonly caFile: string | undefined
  readonly certFile: string | undefined
  readonly keyFile: string | undefined
}

/** The first line of a file, which is not empty and can be in a header. */
export async function readSecret(path: string): Promise<string> {
  const bytes = await readBytes(path)
  const [line = ''] = bytes.subarray(0, SECRET_BYTES_MAX).toString('latin1').split('\n')
  const secret = line.trim()
  if (secret === '') throw new SourceFailure(`the first line of ${printable(path)} is empty`)
  if (/[\x00-\x1f\x7f]/.test(secret))
    throw new SourceFailure(`the first line of ${printable(path)} has control characters`)
  return secret
}

/** The TLS settings of a client; parsed again only when a file has changed. */
export class ClientContext {
  readonly #files: TlsFiles
  #read: readonly (Buffer | undefined)[] = []
  #context: SecureContext | undefined

  constructor(files: TlsFiles) {
    this.#files = files
  }

  async current(): Promise<SecureContext> {
    const { caFile, certFile, keyFile } = this.#files
    const read = await Promise.all([caFile, certFile, keyFile].map((path) => path && readBytes(path)))
    const files = read.map((bytes) => (bytes === '' ? undefined : bytes))
    if (this.#context === undefined || files.some((bytes, i) => !isEqual(bytes, this.#read[i])))
      this.#context = await contextOf(files)
    this.#read = files
    return this.#context
  }
}

async function contextOf([ca, cert, key]: readonly (Buffer | undefined)[]): Promise<SecureContext> {
  // Imported late: TLS takes memory.
  const { createSecureContext } = await import('node:tls')
  try {
    return createSecureContext({
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert, key: key ?? cert }),
    })
  } catch (error) {
    throw new SourceFailure(`cannot use the certificate files: ${errorReason(error)}`)
  }
}

function isEqual(a: Buffer | undefined, b: Buffer | undefined): boolean {
  return a === undefined || b === undefined ? a === b : a.equals(b)
}

async function readBytes(path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (error) {
    throw new SourceFailure(`cannot read ${printable(path)}: ${errorReason(error)}`)
  }
}

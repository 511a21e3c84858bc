/** Asks the administration of a running relay, as a client by HTTP and by tcprelayctl. */
import { type IncomingHttpHeaders, request } from 'node:http'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { AnswerOf } from '../../src/admin/operations/operation.js'
import type { OperationName, Operations } from '../../src/admin/operations/operations.js'
import { temporaryFolder } from './clean-up.js'
import { fileOfProject, Program, type ProgramOptions, type Run } from './program.js'

export const TCPRELAYCTL = fileOfProject('bin/tcprelayctl.js')

/** Logged for each place that is open. */
export const ADMINISTRATION = /administration at (\S+)$/

export type AdminPlace = { readonly socketPath: string } | { readonly port: number }

export interface AdminRequest {
  readonly method?: 'GET' | 'POST' | 'PUT'
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly values?: unknown
}

export interface AdminReply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/** A path for the socket of this test. */
export function adminPath(t: TestContext): string {
  return join(temporaryFolder(t), 'admin.sock')
}

/** One request on a connection of its own. */
export function requestAdmin(
  place: AdminPlace,
  path: string,
  options: AdminRequest = {},
): Promise<AdminReply> {
  const { headers = {}, method = 'GET', values } = options
  const body = values === undefined ? undefined : JSON.stringify(values)
  const type = body === undefined ? {} : { 'content-type': 'application/json' }
  const to = 'port' in place ? { host: '127.0.0.1', port: place.port } : place
  return new Promise((resolve, reject) => {
    const asking = request(
      { ...to, path, method, agent: false, headers: { ...type, ...headers } },
      (response) => {
        const parts: Buffer[] = []
        response.on('data', (part: Buffer) => parts.push(part))
        response.on('end', () => {
          const { headers, statusCode = 0 } = response
          resolve({ status: statusCode, headers, text: Buffer.concat(parts).toString() })
        })
      },
    )
    asking.on('error', reject)
    asking.end(body)
  })
}

/** The answer of an operation that succeeds. */
export async function askAdmin<Name extends OperationName>(
  place: AdminPlace,
  operation: Name,
  options?: AdminRequest,
): Promise<AnswerOf<Operations[Name]>> {
  const { status, text } = await requestAdmin(place, `/api/v1/${operation}`, options)
  if (status !== 200) throw new Error(`${operation}: status ${status}: ${text}`)
  return JSON.parse(text) as AnswerOf<Operations[Name]>
}

/** Runs tcprelayctl to its end. */
export async function tcprelayctl(
  t: TestContext,
  words: readonly string[],
  options?: ProgramOptions,
): Promise<Run> {
  const program = new Program(t, [process.execPath, TCPRELAYCTL, ...words], options)
  const exit = await program.ended()
  return { ...exit, stdout: program.stdout.text, stderr: program.stderr.text }
}
